//! Splits a condition into tokens.

use super::ExprError;
use crate::json::number::{from_digits, parse_f64};
use crate::template::{Path, template};
use serde_json::Value;

/// One token. Blanks between tokens are dropped.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// An operator, a bracket, a comma or a keyword.
    Sign(&'static str),
    /// A number, a boolean or null.
    Literal(Value),
    Text(String),
    Template(Path),
    Word(Path, &'a str),
    End,
}

/// Holds the text that is not read yet.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    length: usize,
}

/// Keywords and their other spelling. `IN` and `IS` are not keywords, since they may well be meant as text.
const KEYWORDS: [(&str, &str); 6] =
    [("and", "AND"), ("or", "OR"), ("not", "NOT"), ("in", ""), ("is", ""), ("contains", "")];

/// Signs, the longer ones first. Signs of other languages have the advice on what to write instead.
const SIGNS: [(&str, &str); 25] = [
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<>", "write `!=`"),
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("==", ""),
    ("!=", ""),
    ("<=", ""),
    (">=", ""),
    ("<", ""),
    (">", ""),
    ("(", ""),
    (")", ""),
    ("[", ""),
    ("]", ""),
    (",", ""),
    ("-", ""),
    ("+", ""),
    ("=", "write `==`"),
    ("!", "write `not`"),
    ("*", NO_ARITHMETIC),
    ("/", NO_ARITHMETIC),
    ("%", NO_ARITHMETIC),
    ("{", "a template is a path in double braces: `{{inputs.name}}`"),
    ("|", "a template has no filters; write `or` for the logical operator"),
];

pub(super) const NO_ARITHMETIC: &str = "a condition compares values and cannot compute";

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text, length: text.len() }
    }

    /// The next token and the byte at which it starts.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), ExprError> {
        self.rest = self.rest.trim_ascii_start();
        let at = self.length - self.rest.len();
        let token = match self.rest.chars().next() {
            None => Ok(Token::End),
            Some(quote @ ('"' | '\'')) => self.text(quote),
            Some('0'..='9') => self.number(),
            Some(first) if first.is_ascii_alphabetic() || first == '_' || !first.is_ascii() => self.word(),
            Some(_) if self.rest.starts_with("{{") => self.template("{{", "}}"),
            Some(_) if self.rest.starts_with("${") => self.template("${", "}"),
            Some(_) => self.sign(),
        };
        token.map(|token| (at, token)).map_err(|(message, help)| {
            let help = (!help.is_empty()).then(|| help.to_owned());
            ExprError { message, offset: at, help }
        })
    }

    fn text(&mut self, quote: char) -> Step<'a> {
        let mut out = String::new();
        let mut chars = self.rest.chars();
        chars.next();
        while let Some(next) = chars.next() {
            match next {
                '\\' => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some(escaped @ ('\\' | '"' | '\'')) => out.push(escaped),
                    // As in Python, an unknown escape stays two characters.
                    other => out.extend([Some('\\'), other].into_iter().flatten()),
                },
                _ if next == quote => {
                    self.rest = chars.as_str();
                    return Ok(Token::Text(out));
                }
                _ => out.push(next),
            }
        }
        Err((format!("the text is not closed by `{quote}`"), ""))
    }

    fn template(&mut self, opening: &str, closing: &str) -> Step<'a> {
        if let Some((path, after)) = template(self.rest, opening) {
            self.rest = after;
            return Ok(Token::Template(path));
        }
        let Some((whole, _)) = self.rest.split_once(closing) else {
            return Err((format!("`{opening}` is not closed by `{closing}`"), ""));
        };
        let help = "only a path stands in braces, everything else outside: `{{inputs.name}} == 200`";
        Err((format!("`{whole}{closing}` is not a template"), help))
    }

    fn number(&mut self) -> Step<'a> {
        let mut last = ' ';
        let end = self.rest.find(|c: char| {
            let is_part = c.is_ascii_alphanumeric()
                || matches!(c, '.' | '_' | '-')
                || (c == '+' && matches!(last, 'e' | 'E'));
            last = c;
            !is_part
        });
        let (digits, after) = self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or_default();
        // JSON allows neither `007` nor `1.`.
        let is_json =
            parse_f64(digits).is_some() && !digits.split(['e', 'E']).any(|part| part.ends_with('.'));
        if !is_json {
            let help = "put text in quotes; a condition compares values and cannot compute";
            return Err((format!("`{digits}` is not a number"), help));
        }
        let digits = digits.trim_start_matches('0');
        let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
        self.rest = after;
        Ok(Token::Literal(Value::Number(from_digits(format!("{zero}{digits}")))))
    }

    fn word(&mut self) -> Step<'a> {
        let Some((path, after)) = Path::parse_prefix(self.rest) else {
            let stranger = self.rest.chars().next().unwrap_or_default();
            return Err((format!("`{stranger}` is unexpected"), "put text in quotes"));
        };
        let keyword =
            KEYWORDS.into_iter().find(|(keyword, other)| path.root == *keyword || path.root == *other);
        if let Some((keyword, _)) = keyword {
            // `in[1]` is not a path.
            self.rest = self.rest.get(keyword.len()..).unwrap_or_default();
            return Ok(Token::Sign(keyword));
        }
        let (word, _) = self.rest.split_at_checked(self.rest.len() - after.len()).unwrap_or_default();
        self.rest = after;
        Ok(match word.to_ascii_lowercase().as_str() {
            "true" => Token::Literal(true.into()),
            "false" => Token::Literal(false.into()),
            "null" | "none" => Token::Literal(Value::Null),
            _ => Token::Word(path, word),
        })
    }

    fn sign(&mut self) -> Step<'a> {
        for (sign, instead) in SIGNS {
            if let Some(after) = self.rest.strip_prefix(sign) {
                if !instead.is_empty() {
                    return Err((format!("`{sign}` is not an operator here"), instead));
                }
                self.rest = after;
                return Ok(Token::Sign(sign));
            }
        }
        let stranger = self.rest.chars().next().unwrap_or_default();
        Err((format!("`{stranger}` is unexpected"), "put text in quotes"))
    }
}

/// A token, or the message and the advice.
type Step<'a> = Result<Token<'a>, (String, &'static str)>;
