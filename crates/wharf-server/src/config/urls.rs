//! Which URLs the layers of a pushed manifest may name.

use http::Uri;
use regex::bytes::{Regex, RegexBuilder};

/// The rules of `validation.manifests.urls`. Without any, every URL is accepted, which differs
/// from registry:2; wharf never fetches one.
#[derive(Debug, Clone, Default)]
pub struct ForeignUrls {
    allow: Vec<Regex>,
    deny: Vec<Regex>,
}

impl ForeignUrls {
    pub(super) fn new(allow: Vec<Regex>, deny: Vec<Regex>) -> Self {
        Self { allow, deny }
    }

    /// Whether a layer may name this URL: with rules, as registry:2 has it, an `http` or `https`
    /// URL without fragment that matches an `allow` expression, if there are any, and no `deny`
    /// expression. Expressions match anywhere in the URL unless they are anchored.
    pub fn permit(&self, url: &str) -> bool {
        if self.allow.is_empty() && self.deny.is_empty() {
            return true;
        }
        let matches = |rules: &[Regex]| rules.iter().any(|rule| rule.is_match(url.as_bytes()));
        is_web_url(url) && (self.allow.is_empty() || matches(&self.allow)) && !matches(&self.deny)
    }
}

fn is_web_url(url: &str) -> bool {
    let scheme = url
        .parse::<Uri>()
        .ok()
        .and_then(|uri| uri.scheme_str().map(str::to_lowercase));
    matches!(scheme.as_deref(), Some("http" | "https")) && !url.contains('#')
}

/// Compiles an expression with Go's meaning: `\d`, `\w` and `\s` are ASCII.
pub(super) fn expression(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).unicode(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str], deny: &[&str]) -> ForeignUrls {
        let compiled = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| expression(text).expect("an expression"))
                .collect()
        };
        ForeignUrls::new(compiled(allow), compiled(deny))
    }

    #[test]
    fn rules_are_those_of_registry_2() {
        let microsoft = &["^https?://([^/]+\\.)*microsoft\\.com/"][..];
        for (allow, deny, url, permitted) in [
            (&[][..], &[][..], "anything at all", true),
            (microsoft, &[][..], "https://go.microsoft.com/x", true),
            (microsoft, &[][..], "https://example.com/x", false),
            (microsoft, &["x$"][..], "https://microsoft.com/x", false),
            (&[][..], &["^http:"][..], "https://example.com/", true),
            (&[][..], &["^http:"][..], "http://example.com/", false),
            (&["."][..], &[][..], "file:///etc/passwd", false),
            (&["."][..], &[][..], "https://example.com/#part", false),
            (&["(?i)EXAMPLE"][..], &[][..], "https://example.com/", true),
        ] {
            assert_eq!(rules(allow, deny).permit(url), permitted, "{allow:?} {deny:?} {url}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        assert!(expression("(").is_none());
        assert!(expression("\\d+é").is_some());
    }
}
