use std::sync::Arc;

use super::*;

crate::tables! {
    /// One table.
    database Db = "Db", changes DbChanges;

    /// With an index that several rows share, and one under which a row has several keys.
    table items: Item = "Item" {
        /// Not unique.
        group: String;
        /// Several.
        numbers: std::collections::BTreeSet<i64>;
    } index {
        /// By group.
        by_group: String = |row| [row.group.clone()];
        /// By each of the numbers.
        by_number: i64 = |row| row.numbers.iter().copied();
    }
}

fn row(uuid: u128, group: &str, numbers: &[i64]) -> Item {
    let numbers = numbers.iter().copied().collect();
    Item {
        uuid: Uuid::from_u128(uuid),
        group: group.to_owned(),
        numbers,
    }
}

fn table(rows: &[Item]) -> Table<Item> {
    let mut table = Table::default();
    for row in rows {
        table.put(row.clone(), &mut TableChanges::default());
    }
    table
}

#[test]
fn a_row_put_again_unchanged_is_no_change() {
    let mut table = table(&[row(1, "a", &[])]);
    let mut changes = TableChanges::default();
    table.put(row(1, "a", &[]), &mut changes);
    table.remove(&Uuid::from_u128(2), &mut changes);
    assert!(changes.is_empty());
}

#[test]
fn changes_of_one_row_add_up() {
    let steps = |steps: &[Option<Item>]| {
        let mut table = table(&[row(1, "a", &[])]);
        let mut changes = TableChanges::default();
        for step in steps {
            match step {
                Some(row) => table.put(row.clone(), &mut changes),
                None => table.remove(&Uuid::from_u128(1), &mut changes),
            }
        }
        changes
    };
    let (a, b) = (row(1, "a", &[]), row(1, "b", &[]));
    assert!(steps(&[Some(b.clone()), Some(a.clone())]).is_empty());
    assert!(steps(&[None, Some(a.clone())]).is_empty());
    let uuid = Uuid::from_u128(1);
    assert_eq!(
        steps(&[None, Some(b.clone())]).get(&uuid),
        Some(&Change::Modified {
            before: Arc::new(a.clone()),
            after: Arc::new(b.clone())
        })
    );
    assert_eq!(
        steps(&[Some(b), None]).get(&uuid),
        Some(&Change::Deleted(Arc::new(a)))
    );
}

#[test]
fn a_row_that_came_and_went_leaves_no_change() {
    let mut table = table(&[]);
    let mut changes = TableChanges::default();
    table.put(row(1, "a", &[]), &mut changes);
    table.remove(&Uuid::from_u128(1), &mut changes);
    assert!(changes.is_empty());
}

#[test]
fn comparison_finds_exactly_what_differs() {
    let older = table(&[
        row(1, "same", &[]),
        row(2, "before", &[]),
        row(3, "gone", &[]),
    ]);
    let newer = table(&[
        row(1, "same", &[]),
        row(2, "after", &[]),
        row(4, "new", &[]),
    ]);
    let changes = older.compare(&newer);
    let groups: Vec<_> = changes
        .iter()
        .map(|change| {
            [change.before(), change.after()].map(|row| row.map(|row| row.group.as_str()))
        })
        .collect();
    assert_eq!(
        groups,
        [
            [Some("before"), Some("after")],
            [Some("gone"), None],
            [None, Some("new")]
        ]
    );
    assert!(newer.compare(&newer).is_empty());
}

#[test]
fn indexes_follow_the_rows() {
    let mut table = table(&[row(1, "a", &[1, 2]), row(2, "a", &[2]), row(3, "b", &[])]);
    let by_group = |table: &Table<Item>, group: &str| table.index().by_group.all(group).count();
    let by_number = |table: &Table<Item>, number: i64| table.index().by_number.all(number).count();
    assert_eq!((by_group(&table, "a"), by_group(&table, "b")), (2, 1));
    assert_eq!((by_number(&table, 1), by_number(&table, 2)), (1, 2));
    let changes = &mut TableChanges::default();
    table.put(row(1, "b", &[3]), changes);
    table.remove(&Uuid::from_u128(2), changes);
    assert_eq!((by_group(&table, "a"), by_group(&table, "b")), (0, 2));
    assert_eq!([1, 2, 3].map(|number| by_number(&table, number)), [0, 0, 1]);
    // The index holds the row as it is, not as it was.
    assert_eq!(table.index().by_number.get(3).unwrap().group, "b");
}

#[test]
fn a_clone_does_not_see_later_changes() {
    let mut table = table(&[row(1, "a", &[])]);
    let snapshot = table.clone();
    table.put(row(1, "b", &[]), &mut TableChanges::default());
    assert_eq!(snapshot.index().by_group.all("a").count(), 1);
    assert_eq!(snapshot.get(&Uuid::from_u128(1)).unwrap().group, "a");
}
