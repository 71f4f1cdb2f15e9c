//! Whether the license that a package names is acceptable for rekall's users.

/// An SPDX license expression, as far as it is needed here. `/`, which old manifests use for `OR`, is
/// accepted, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum License {
    /// One license, with its exception.
    One(String),
    Any(Vec<License>),
    All(Vec<License>),
}

impl License {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words = Words { text, words: spaced.split_whitespace().rev().collect() };
        let whole = words.any()?;
        match words.words.last() {
            None => Ok(whole),
            Some(word) => Err(format!("license `{text}`: unexpected `{word}`")),
        }
    }

    /// Whether allowed licenses alone satisfy it.
    pub(crate) fn is_met(&self, allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::One(name) => allowed(name),
            Self::Any(choices) => choices.iter().any(|choice| choice.is_met(allowed)),
            Self::All(parts) => parts.iter().all(|part| part.is_met(allowed)),
        }
    }

    /// The licenses it names.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Any(parts) | Self::All(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }
}

/// The words still to read, the next one last.
struct Words<'t> {
    text: &'t str,
    words: Vec<&'t str>,
}

impl Words<'_> {
    fn any(&mut self) -> Result<License, String> {
        self.joined("OR", Self::all, License::Any)
    }

    fn all(&mut self) -> Result<License, String> {
        self.joined("AND", Self::one, License::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<License, String>,
        join: fn(Vec<License>) -> License,
    ) -> Result<License, String> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.words.last().is_some_and(|next| next.eq_ignore_ascii_case(word)) {
            self.words.pop();
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn one(&mut self) -> Result<License, String> {
        let text = self.text;
        let broken = || format!("license `{text}`: it cannot be read");
        let word = self.words.pop().ok_or_else(broken)?;
        if word == "(" {
            let inside = self.any()?;
            return if self.words.pop() == Some(")") { Ok(inside) } else { Err(broken()) };
        }
        if word == ")" || ["OR", "AND", "WITH"].iter().any(|other| word.eq_ignore_ascii_case(other)) {
            return Err(broken());
        }
        if self.words.last().is_some_and(|next| next.eq_ignore_ascii_case("WITH")) {
            self.words.pop();
            let exception = self.words.pop().ok_or_else(broken)?;
            return Ok(License::One(format!("{word} WITH {exception}")));
        }
        Ok(License::One(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(text: &str) -> bool {
        License::parse(text).unwrap().is_met(&|name| matches!(name, "MIT" | "ISC" | "Apache-2.0"))
    }

    #[test]
    fn or_needs_one_and_needs_all() {
        for text in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(GPL-3.0 or (MIT AND ISC)) AND Apache-2.0"] {
            assert!(met(text), "{text}");
        }
        for text in
            ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "MIT WITH some-exception", "mit"]
        {
            assert!(!met(text), "{text}");
        }
        // AND binds more tightly.
        assert!(met("MIT OR ISC AND GPL-3.0") && !met("GPL-3.0 AND ISC OR GPL-2.0"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "OR MIT", "MIT WITH", "()"] {
            assert!(License::parse(text).is_err(), "{text}");
        }
    }
}
