//! Reads the characters of a text by their meaning. A character may be escaped for JSON, a shell, Python, HTML, a URL
//! or an email, and several times over. `tests/fixtures/spellings.json` has examples.

/// A character by its code, or one byte of it in UTF-8.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// A code point, or half of a surrogate pair.
    Code(u32),
    /// A byte of UTF-8.
    Byte(u8),
}

/// The possible first units of a text, each with the rest of the text after it.
pub(super) type Readings<'a> = Vec<(Unit, &'a str)>;

/// The deepest nesting of escapes that is read.
const DEEPEST: usize = 4;
/// The most backslashes that are read as one escape.
const MOST_BACKSLASHES: usize = 64;
/// The longest HTML entity that is read, in bytes.
const LONGEST_ENTITY: usize = 12;
/// The most characters between two numbers of a list.
const MOST_BETWEEN: usize = 4;

/// All readings of the beginning of a text.
pub(super) fn readings<'a>(text: &'a str, found: &mut Readings<'a>) {
    found.clear();
    let Some(first) = text.chars().next() else { return };
    let rest = text.get(first.len_utf8()..).unwrap_or_default();
    add(found, Unit::Code(first.into()), rest, 0);
    if let Some(rest) = text.strip_prefix("\r\n") {
        found.push((Unit::Code('\n'.into()), rest));
    }
}

/// Adds a reading, and the readings of an escape that begins with it.
fn add<'a>(found: &mut Readings<'a>, unit: Unit, rest: &'a str, depth: usize) {
    found.push((unit, rest));
    let code = match unit {
        Unit::Code(code) => code,
        Unit::Byte(byte) => byte.into(),
    };
    if depth == DEEPEST {
        return;
    }
    match char::from_u32(code) {
        Some('\\') => add_escape(found, rest, depth + 1),
        Some('%') => {
            add_byte(found, rest, depth + 1);
            add_code(found, rest.strip_prefix(['u', 'U']).and_then(|rest| hex(rest, 4, 4)), depth + 1);
        }
        Some('=') => add_byte(found, rest, depth + 1),
        Some('&') => add_entity(found, rest, depth + 1),
        Some('+') => found.push((Unit::Code(' '.into()), rest)),
        _ => {}
    }
}

/// Adds the byte in hexadecimal digits at the start of `rest`.
fn add_byte<'a>(found: &mut Readings<'a>, rest: &'a str, depth: usize) {
    if let Some((Ok(byte), rest)) = hex(rest, 2, 2).map(|(code, rest)| (u8::try_from(code), rest)) {
        add(found, Unit::Byte(byte), rest, depth);
    }
}

/// Adds a code point, or the two halves of a surrogate pair.
fn add_code<'a>(found: &mut Readings<'a>, read: Option<(u32, &'a str)>, depth: usize) {
    let Some((code, rest)) = read else { return };
    if !(0xd800..0xdc00).contains(&code) {
        return add(found, Unit::Code(code), rest, depth);
    }
    let mut second = Readings::new();
    if let Some(first) = rest.chars().next().filter(|_| depth < DEEPEST) {
        add(&mut second, Unit::Code(first.into()), rest.get(first.len_utf8()..).unwrap_or_default(), depth);
    }
    for (unit, rest) in second {
        if let Unit::Code(low @ 0xdc00..0xe000) = unit {
            found.push((Unit::Code(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)), rest));
        }
    }
}

/// Adds escapes of JSON, JavaScript, Python, C and shells. A repeated escape has more backslashes.
fn add_escape<'a>(found: &mut Readings<'a>, rest: &'a str, depth: usize) {
    let row = rest.bytes().take(MOST_BACKSLASHES).take_while(|byte| *byte == b'\\').count();
    let rest = rest.get(row..).unwrap_or_default();
    if row > 0 {
        found.push((Unit::Code('\\'.into()), rest));
    }
    let Some(first) = rest.chars().next() else { return };
    let after = rest.get(first.len_utf8()..).unwrap_or_default();
    let control = match first {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        'e' => '\u{1b}',
        _ => first,
    };
    match first {
        'u' => {
            let braced = after.strip_prefix('{').and_then(|after| hex(after, 1, 6));
            let braced = braced.and_then(|(code, rest)| Some((code, rest.strip_prefix('}')?)));
            add_code(found, braced.or_else(|| hex(after, 4, 4)), depth);
        }
        'U' => add_code(found, hex(after, 8, 8), depth),
        'x' => {
            add_byte(found, after, depth);
            // Python writes characters up to U+00FF in this way too.
            if let Some(read) = hex(after, 2, 2).filter(|(code, _)| *code >= 0x80) {
                add_code(found, Some(read), depth);
            }
        }
        '0'..='7' => {
            let digits = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let number = rest.get(..digits).and_then(|number| u8::from_str_radix(number, 8).ok());
            if let (Some(byte), Some(rest)) = (number, rest.get(digits..)) {
                add(found, Unit::Byte(byte), rest, depth);
            }
        }
        _ if control != first => found.push((Unit::Code(control.into()), after)),
        _ if !first.is_alphanumeric() => add(found, Unit::Code(first.into()), after, depth),
        _ => {}
    }
}

/// Adds entities of HTML and XML.
fn add_entity<'a>(found: &mut Readings<'a>, rest: &'a str, depth: usize) {
    let Some(end) = rest.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';') else { return };
    let (Some(entity), Some(after)) = (rest.get(..end), rest.get(end + 1..)) else { return };
    let code = match entity {
        "amp" => Some(u32::from('&')),
        "lt" => Some(u32::from('<')),
        "gt" => Some(u32::from('>')),
        "quot" => Some(u32::from('"')),
        "apos" => Some(u32::from('\'')),
        _ => entity.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        }),
    };
    add_code(found, code.map(|code| (code, after)), depth);
}

/// The rest of the text after a folded line break: in a header, a shell command or an email.
pub(super) fn after_fold(text: &str) -> Option<&str> {
    let text = text.strip_prefix(['=', '\\']).filter(|rest| rest.starts_with(['\r', '\n'])).unwrap_or(text);
    let text = text.strip_prefix("\\r").or_else(|| text.strip_prefix('\r')).unwrap_or(text);
    let text = text.strip_prefix("\\n").or_else(|| text.strip_prefix('\n'))?;
    Some(text.trim_start_matches([' ', '\t']))
}

/// The way in which bytes are written as numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// Two hexadecimal digits each, with or without characters in between.
    Sixteen,
    /// Decimal numbers, with characters in between.
    Ten,
    /// Three octal digits each, with characters in between.
    Eight,
}

/// The longest rest of a line of a dump, and of the text at its end, in bytes.
const LONGEST_REST: usize = 80;
const LONGEST_COLUMN: usize = 18;

/// The rest of the text after the end of a line of `xxd`, `hexdump` or `od` and after the offset of the next line.
pub(super) fn after_line_of_dump(text: &str) -> Option<&str> {
    let end = text.bytes().take(LONGEST_REST).position(|byte| byte == b'\n')?;
    let column = text.get(..end)?.trim_end();
    let next = text.get(end + 1..).filter(|_| column.is_empty() || column.starts_with("  "))?;
    let digits = next.bytes().take(16).take_while(u8::is_ascii_hexdigit).count();
    let numbers = next.get(digits..).filter(|_| digits > 5)?;
    Some(numbers.strip_prefix(':').unwrap_or(numbers).trim_start_matches(' '))
}

/// The rest of the text after the remaining numbers of a line of a dump and the text beside them.
pub(super) fn after_text_of_dump(text: &str) -> Option<&str> {
    let is_end = |byte| byte == b'\n';
    let end = text
        .bytes()
        .take(LONGEST_REST)
        .position(is_end)
        .or((text.len() < LONGEST_REST).then_some(text.len()))?;
    let (numbers, column) = text.get(..end)?.split_once("  ")?;
    let is_dump = numbers.bytes().all(|byte| byte == b' ' || byte.is_ascii_hexdigit())
        && (1..=LONGEST_COLUMN).contains(&column.trim().len());
    text.get(end..).filter(|_| is_dump)
}

/// The byte at the start of the text, written as a number, and the rest of the text.
pub(super) fn number(text: &str, base: Base, is_first: bool) -> Option<(u8, &str)> {
    let between = text.chars().take(MOST_BETWEEN).take_while(|next| " \t\r\n,:;.-_|".contains(*next)).count();
    let between = if is_first { 0 } else { between };
    let text = text.get(between..)?;
    match base {
        Base::Sixteen => {
            let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
            let (code, rest) = hex(text, 2, 2)?;
            Some((u8::try_from(code).ok()?, rest))
        }
        Base::Ten if is_first || between > 0 => {
            let digits = text.bytes().take(4).take_while(u8::is_ascii_digit).count();
            Some((text.get(..digits)?.parse().ok()?, text.get(digits..)?))
        }
        Base::Eight if is_first || between > 0 => {
            let byte = text.get(..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
            Some((u8::from_str_radix(byte, 8).ok()?, text.get(3..)?))
        }
        Base::Ten | Base::Eight => None,
    }
}

/// The number of `least` to `most` hexadecimal digits at the start of the text, and the rest of the text.
fn hex(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
    let number = text.get(..digits).filter(|_| digits >= least)?;
    Some((u32::from_str_radix(number, 16).ok()?, text.get(digits..)?))
}
