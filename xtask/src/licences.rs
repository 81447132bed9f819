//! Every dependency has a licence that we accept.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use crate::metadata;

/// Licences without conditions beyond naming the author. One more is a decision, not a repair.
const ACCEPTED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Checks all dependencies of `Cargo.lock`, those of other platforms and of tests included.
pub(crate) fn check() -> anyhow::Result<()> {
    let packages = metadata::load()?;
    let outside: Vec<_> = packages.iter().filter(|package| !package.ours).collect();
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for package in &outside {
        let name = format!("`{} {}`", package.name, package.version);
        match package.licence.as_deref().map(Parser::parse) {
            None => complaints.push(format!("{name} names no licence")),
            Some(Err(error)) => complaints.push(format!("{name}: {error:#}")),
            Some(Ok(Expression { accepted: false, .. })) => {
                let licence = package.licence.as_deref().unwrap_or_default();
                complaints.push(format!("{name} is under `{licence}`"));
            }
            Some(Ok(expression)) => used.extend(expression.by),
        }
    }
    if !complaints.is_empty() {
        bail!("licences:\n  {}", complaints.join("\n  "));
    }
    let used: Vec<_> = used.into_iter().collect();
    println!("licences: {} packages, accepted by {}", outside.len(), used.join(", "));
    Ok(())
}

/// Whether an SPDX expression is accepted, and by which licences.
#[derive(Debug, PartialEq, Eq)]
struct Expression {
    accepted: bool,
    by: BTreeSet<&'static str>,
}

/// A parser of SPDX expressions: `AND` binds tighter than `OR`; a slash, as old manifests have it, is an `OR`.
struct Parser<'a> {
    tokens: Vec<&'a str>,
    position: usize,
}

impl<'a> Parser<'a> {
    fn parse(text: &'a str) -> anyhow::Result<Expression> {
        let mut parser = Self {
            tokens: tokens(text),
            position: 0,
        };
        let expression = parser
            .any()
            .with_context(|| format!("`{text}` is no SPDX expression"))?;
        if let Some(token) = parser.next() {
            bail!("`{text}` is no SPDX expression: `{token}` comes unexpected");
        }
        Ok(expression)
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.position).copied();
        self.position += 1;
        token
    }

    /// Takes the next token if it is one of these.
    fn take(&mut self, wanted: &[&str]) -> bool {
        let found = self
            .tokens
            .get(self.position)
            .is_some_and(|token| wanted.contains(token));
        self.position += usize::from(found);
        found
    }

    fn any(&mut self) -> anyhow::Result<Expression> {
        let mut left = self.all()?;
        while self.take(&["OR", "/"]) {
            let right = self.all()?;
            // One accepted side is enough; the first is the one that counts.
            if !left.accepted {
                left = right;
            }
        }
        Ok(left)
    }

    fn all(&mut self) -> anyhow::Result<Expression> {
        let mut left = self.one()?;
        while self.take(&["AND"]) {
            let right = self.one()?;
            left.accepted &= right.accepted;
            left.by.extend(right.by);
        }
        Ok(left)
    }

    fn one(&mut self) -> anyhow::Result<Expression> {
        if self.take(&["("]) {
            let inner = self.any()?;
            if !self.take(&[")"]) {
                bail!("a parenthesis is not closed");
            }
            return Ok(inner);
        }
        let mut licence = self.next().context("it ends too early")?.to_owned();
        if [")", "AND", "OR", "WITH", "/"].contains(&licence.as_str()) {
            bail!("`{licence}` comes unexpected");
        }
        if self.take(&["WITH"]) {
            licence = format!("{licence} WITH {}", self.next().context("it ends too early")?);
        }
        let found = ACCEPTED.into_iter().find(|accepted| *accepted == licence);
        Ok(Expression {
            accepted: found.is_some(),
            by: found.into_iter().collect(),
        })
    }
}

/// Splits at white space, parentheses and slashes.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(position) = rest.find(['(', ')', '/']) {
            let (before, after) = rest.split_at(position);
            let (separator, after) = after.split_at(1);
            tokens.extend([before, separator].into_iter().filter(|token| !token.is_empty()));
            rest = after;
        }
        tokens.extend((!rest.is_empty()).then_some(rest));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_accepted_by_what_they_allow() {
        for (text, accepted) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("MIT/GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only AND ISC", true),
            ("GPL-3.0-only AND ISC OR MPL-2.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND NCSA", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0", true),
            ("GPL-2.0-only WITH Classpath-exception-2.0", false),
        ] {
            assert_eq!(Parser::parse(text).unwrap().accepted, accepted, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT Apache-2.0", "MIT WITH"] {
            assert!(Parser::parse(text).is_err(), "{text}");
        }
    }
}
