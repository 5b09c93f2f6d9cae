use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// Far more than any event takes, so that a test which waits in vain ends.
const DEADLINE: Duration = Duration::from_secs(20);

/// A network that can be told from others by its name.
fn content(name: &str) -> String {
    format!("networks: [{{name: {name}, network_type: local}}]\n")
}

async fn outcome(watch: &mut Watch) -> Result<Loaded, FileError> {
    timeout(DEADLINE, watch.next())
        .await
        .expect("an outcome in time")
}

/// The name of the network in the next content.
async fn told(watch: &mut Watch) -> String {
    let loaded = outcome(watch).await.unwrap();
    loaded
        .model
        .networks()
        .map(|network| network.name.clone())
        .collect()
}

/// The next error, without the path.
async fn refused(watch: &mut Watch) -> String {
    let error = outcome(watch).await.unwrap_err().to_string();
    let (_, problem) = error.split_once(": ").unwrap();
    problem.to_owned()
}

fn directory_and_path() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("network.yaml");
    (directory, path)
}

/// Puts a content in place as careful editors do.
fn rename_over(path: &Path, content: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, content).unwrap();
    fs::rename(&draft, path).unwrap();
}

#[tokio::test]
async fn the_content_at_the_start_is_told() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
}

#[tokio::test]
async fn a_content_that_is_written_is_told() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
    for name in ["b", "c"] {
        fs::write(&path, content(name)).unwrap();
        assert_eq!(told(&mut watch).await, name);
    }
}

#[tokio::test]
async fn a_file_that_is_renamed_into_place_is_told() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
    for name in ["b", "c"] {
        rename_over(&path, &content(name));
        assert_eq!(told(&mut watch).await, name);
    }
}

#[tokio::test]
async fn a_link_on_the_way_that_is_swapped_is_told() {
    let (directory, path) = directory_and_path();
    let point_at = |version: &str| {
        fs::create_dir(directory.path().join(version)).unwrap();
        fs::write(
            directory.path().join(version).join("network.yaml"),
            content(version),
        )
        .unwrap();
        symlink(version, directory.path().join("new")).unwrap();
        fs::rename(directory.path().join("new"), directory.path().join("data")).unwrap();
    };
    point_at("a");
    symlink("data/network.yaml", &path).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
    for version in ["b", "c"] {
        point_at(version);
        assert_eq!(told(&mut watch).await, version);
    }
    // Behind the links, too.
    fs::write(directory.path().join("c/network.yaml"), content("d")).unwrap();
    assert_eq!(told(&mut watch).await, "d");
}

#[test]
fn what_was_told_is_not_told_again() {
    let (_directory, path) = directory_and_path();
    let (told, error) = look(&path, None).unwrap();
    assert!(error.is_err());
    assert!(look(&path, Some(&told)).is_none());
    fs::write(&path, content("a")).unwrap();
    let (told, loaded) = look(&path, Some(&told)).unwrap();
    assert!(loaded.is_ok());
    rename_over(&path, &content("a"));
    assert!(look(&path, Some(&told)).is_none());
    fs::write(&path, content("b")).unwrap();
    assert!(look(&path, Some(&told)).is_some());
}

#[tokio::test]
async fn a_file_that_vanishes_is_an_error_until_it_returns() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
    fs::remove_file(&path).unwrap();
    assert_eq!(
        refused(&mut watch).await,
        "No such file or directory (os error 2)"
    );
    rename_over(&path, &content("a"));
    assert_eq!(told(&mut watch).await, "a");
}

#[tokio::test]
async fn a_file_may_come_after_the_start_with_its_directory() {
    let (directory, _) = directory_and_path();
    let path = directory.path().join("etc/brint/network.yaml");
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(
        refused(&mut watch).await,
        "No such file or directory (os error 2)"
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    rename_over(&path, &content("a"));
    assert_eq!(told(&mut watch).await, "a");
}

#[tokio::test]
async fn a_directory_that_is_replaced_is_followed() {
    let (directory, _) = directory_and_path();
    let path = directory.path().join("etc/network.yaml");
    fs::create_dir(directory.path().join("etc")).unwrap();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    assert_eq!(told(&mut watch).await, "a");
    fs::rename(directory.path().join("etc"), directory.path().join("old")).unwrap();
    assert_eq!(
        refused(&mut watch).await,
        "No such file or directory (os error 2)"
    );
    fs::create_dir(directory.path().join("etc")).unwrap();
    fs::write(&path, content("b")).unwrap();
    assert_eq!(told(&mut watch).await, "b");
}

#[tokio::test]
async fn a_wrong_content_is_an_error_until_it_is_corrected() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, "ports: 5\n").unwrap();
    let mut watch = Watch::start(&path).unwrap();
    let problem = outcome(&mut watch).await.unwrap_err().to_string();
    let expected = format!(
        "{}:1:8: ports: found 5, expected a list of ports",
        path.display()
    );
    assert_eq!(problem, expected);
    rename_over(&path, &content("a"));
    assert_eq!(told(&mut watch).await, "a");
}

#[tokio::test]
async fn what_is_no_file_is_an_error() {
    let (_directory, path) = directory_and_path();
    fs::create_dir(&path).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    let problem = outcome(&mut watch).await.unwrap_err().to_string();
    assert_eq!(problem, format!("{}: not a regular file", path.display()));
}

#[tokio::test]
async fn who_asks_is_told_the_same_again() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    let first = outcome(&mut watch).await.unwrap().digest;
    watch.reload();
    assert_eq!(outcome(&mut watch).await.unwrap().digest, first);
}

#[tokio::test]
async fn a_dropped_future_loses_nothing() {
    let (_directory, path) = directory_and_path();
    fs::write(&path, content("a")).unwrap();
    let mut watch = Watch::start(&path).unwrap();
    for name in ["a", "b"] {
        rename_over(&path, &content(name));
        let told = async {
            loop {
                // Less than any step of the watch takes.
                if let Ok(outcome) = timeout(Duration::from_micros(100), watch.next()).await {
                    return outcome;
                }
            }
        };
        let loaded = timeout(DEADLINE, told).await.unwrap().unwrap();
        assert_eq!(loaded.model.networks().next().unwrap().name, name);
    }
}
