//! What a lab must show: each check with what was expected and what happened.

use std::fmt;

/// One thing that must hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// What was tried.
    pub name: String,
    /// What should happen.
    pub expected: String,
    /// What did happen.
    pub happened: String,
    /// Whether the two agree.
    pub ok: bool,
}

impl Check {
    /// A check that holds when both texts are the same.
    pub fn same(name: &str, expected: impl fmt::Display, happened: impl fmt::Display) -> Self {
        let (expected, happened) = (expected.to_string(), happened.to_string());
        let ok = expected == happened;
        Self {
            name: name.to_owned(),
            expected,
            happened,
            ok,
        }
    }
}

/// Checks in the order in which they were made; prints as a table.
#[derive(Clone, Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Adds what came of a check; one that could not be made has failed.
    pub fn add(
        &mut self,
        name: &str,
        expected: impl fmt::Display,
        happened: anyhow::Result<impl fmt::Display>,
    ) {
        let check = match happened {
            Ok(happened) => Check::same(name, expected, happened),
            Err(error) => Check {
                name: name.to_owned(),
                expected: expected.to_string(),
                happened: format!("{error:#}"),
                ok: false,
            },
        };
        self.0.push(check);
    }

    /// The checks.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.0.iter()
    }

    /// Whether there are checks, and all hold.
    pub fn all_hold(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|check| check.ok)
    }
}

impl FromIterator<Self> for Checks {
    fn from_iter<T: IntoIterator<Item = Self>>(parts: T) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: fn(&Check) -> &str, title: &str| {
            let widths = self.0.iter().map(|check| column(check).chars().count());
            widths.chain([title.len()]).max().unwrap_or(0)
        };
        let name = width(|check| &check.name, "check");
        let expected = width(|check| &check.expected, "expected");
        writeln!(
            formatter,
            "  ok   {:name$}  {:expected$}  happened",
            "check", "expected"
        )?;
        for check in &self.0 {
            let ok = if check.ok { "ok  " } else { "FAIL" };
            let Check {
                name: what,
                expected: wanted,
                happened,
                ..
            } = check;
            writeln!(
                formatter,
                "  {ok} {what:name$}  {wanted:expected$}  {happened}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_could_not_be_made_has_failed() {
        let mut checks = Checks::default();
        assert!(!checks.all_hold());
        checks.add("ping", "answer", Ok("answer"));
        assert!(checks.all_hold());
        checks.add(
            "ping",
            "answer",
            anyhow::Result::<&str>::Err(anyhow::anyhow!("no ping")),
        );
        assert!(!checks.all_hold());
        assert!(checks.to_string().contains("FAIL ping   answer    no ping"));
    }
}
