//! Parses the tokens into an [`Expr`], with one function for each level of precedence. The nesting is limited, the
//! length is not.

use super::lex::{Lexer, NO_ARITHMETIC, Token};
use super::{Comparison, Expr, ExprError};
use crate::json::number::from_digits;
use serde_json::Value;

/// The deepest nesting of parentheses, lists, signs and `not`.
const DEEPEST: usize = 64;

/// Parses a condition.
///
/// # Errors
///
/// The message, the place and the advice, if the text is not a condition.
///
/// ```
/// use highway_wasm::expr::parse;
///
/// assert!(parse("{{counter}} < 5 and not ({{status.stdout}} in ['done', 'failed'])").is_ok());
/// let error = parse("{{a}} > 1 && {{b}}").unwrap_err();
/// assert_eq!((error.offset, error.help.as_deref()), (10, Some("write `and`")));
/// ```
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    let mut parser = Parser { lexer: Lexer::new(text), token: Token::End, at: 0, depth: 0 };
    parser.take()?;
    if matches!(parser.token, Token::End) {
        return Err(parser.error("the condition is empty", "write for example `{{counter}} < 5`"));
    }
    let expr = parser.any()?;
    match parser.token {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token, not consumed yet.
    token: Token<'a>,
    /// The byte at which it starts.
    at: usize,
    depth: usize,
}

type Parsed = Result<Expr, ExprError>;

impl<'a> Parser<'a> {
    /// Consumes the next token.
    fn take(&mut self) -> Result<Token<'a>, ExprError> {
        let (at, token) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    /// Consumes the next token if it is this sign.
    fn accept(&mut self, sign: &str) -> Result<bool, ExprError> {
        let is_next = matches!(self.token, Token::Sign(next) if next == sign);
        if is_next {
            self.take()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, sign: &str) -> Result<(), ExprError> {
        if self.accept(sign)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn any(&mut self) -> Parsed {
        let first = self.all()?;
        let mut items = vec![first];
        while self.accept("or")? {
            items.push(self.all()?);
        }
        Ok(one_or(items, Expr::Any))
    }

    fn all(&mut self) -> Parsed {
        let first = self.negation()?;
        let mut items = vec![first];
        while self.accept("and")? {
            items.push(self.negation()?);
        }
        Ok(one_or(items, Expr::All))
    }

    fn negation(&mut self) -> Parsed {
        if !self.accept("not")? {
            return self.comparison();
        }
        self.enter()?;
        let inner = self.negation()?;
        self.depth -= 1;
        Ok(Expr::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Parsed {
        let first = self.operand()?;
        let mut links = Vec::new();
        while let Some(comparison) = self.comparison_sign()? {
            links.push((comparison, self.operand()?));
        }
        Ok(if links.is_empty() { first } else { Expr::Compare(Box::new(first), links) })
    }

    fn comparison_sign(&mut self) -> Result<Option<Comparison>, ExprError> {
        let Token::Sign(sign) = self.token else { return Ok(None) };
        let comparison = match sign {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "in" => Comparison::In,
            "contains" => Comparison::Contains,
            "is" => {
                self.take()?;
                let is_negated = self.accept("not")?;
                return Ok(Some(if is_negated { Comparison::NotEqual } else { Comparison::Equal }));
            }
            "not" => {
                self.take()?;
                self.expect("in")?;
                return Ok(Some(Comparison::NotIn));
            }
            _ => return Ok(None),
        };
        self.take()?;
        Ok(Some(comparison))
    }

    fn operand(&mut self) -> Parsed {
        let sign = match &self.token {
            Token::Sign(sign @ ("-" | "+" | "(" | "[" | "contains")) => *sign,
            Token::Sign(_) | Token::End => return Err(self.unexpected()),
            _ => {
                return Ok(match self.take()? {
                    Token::Literal(value) => Expr::Literal(value),
                    Token::Text(text) => Expr::Text(text),
                    Token::Template(path) => Expr::Template(path),
                    Token::Word(path, text) => Expr::Word { path, text: text.to_owned() },
                    Token::Sign(_) | Token::End => Expr::Literal(Value::Null),
                });
            }
        };
        self.enter()?;
        self.take()?;
        let operand = match sign {
            "(" => {
                let inner = self.any()?;
                self.expect(")")?;
                inner
            }
            "[" => Expr::List(self.items()?),
            "contains" => self.contains()?,
            _ => {
                let inner = self.operand()?;
                if sign == "-" { negate(inner) } else { inner }
            }
        };
        self.depth -= 1;
        Ok(operand)
    }

    /// The items of a list between `[` and `]`. A comma may follow the last one.
    fn items(&mut self) -> Result<Vec<Expr>, ExprError> {
        let mut items = Vec::new();
        while !self.accept("]")? {
            items.push(self.any()?);
            if !self.accept(",")? {
                self.expect("]")?;
                break;
            }
        }
        Ok(items)
    }

    /// `(a, b)` after `contains`.
    fn contains(&mut self) -> Parsed {
        self.expect("(")?;
        let container = self.any()?;
        self.expect(",")?;
        let item = self.any()?;
        self.expect(")")?;
        Ok(Expr::Compare(Box::new(container), vec![(Comparison::Contains, item)]))
    }

    fn enter(&mut self) -> Result<(), ExprError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("the condition is nested too deeply", ""));
        }
        Ok(())
    }

    /// The error for a next token that cannot stand here.
    fn unexpected(&self) -> ExprError {
        let (found, help) = match &self.token {
            Token::End => {
                return self
                    .error("the condition ends too early", "an operand or a closing bracket is missing");
            }
            Token::Sign(sign) => {
                let help = match *sign {
                    "+" | "-" => NO_ARITHMETIC,
                    "(" => "a condition can call nothing but `contains(list, item)`",
                    "not" => "put it in parentheses: `a == (not b)`",
                    "," => "a list stands in brackets: `[1, 2]`",
                    _ => "",
                };
                (format!("`{sign}`"), help)
            }
            Token::Word(_, word @ ("if" | "else")) => {
                (format!("`{word}`"), "a condition has no `if`; write `and`, `or`, `not`")
            }
            Token::Word(_, word) => {
                (format!("`{word}`"), "put text in quotes, or write an operator before it")
            }
            Token::Template(path) => (
                format!("`{{{{{path}}}}}`"),
                "put text with templates in it in quotes, or write an operator before it",
            ),
            Token::Literal(_) => ("a value".to_owned(), "write an operator before it"),
            Token::Text(_) => ("text".to_owned(), "write an operator before it"),
        };
        self.error(&format!("{found} is unexpected here"), help)
    }

    fn error(&self, message: &str, help: &str) -> ExprError {
        let help = (!help.is_empty()).then(|| help.to_owned());
        ExprError { message: message.to_owned(), offset: self.at, help }
    }
}

/// The only item itself, or all items joined.
fn one_or(mut items: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            join(items)
        }
    }
}

fn negate(inner: Expr) -> Expr {
    match inner {
        Expr::Literal(Value::Number(number)) => {
            let digits = number.as_str();
            let negated = digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_owned);
            Expr::Literal(Value::Number(from_digits(negated)))
        }
        other => Expr::Negate(Box::new(other)),
    }
}
