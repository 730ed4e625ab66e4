//! Texts compared by what they mean: the same text may be spelled with the escapes of JSON, of addresses or of HTML, be folded into
//! lines, or be part of what was encoded as base64.

/// Characters of the shortest part of an encoded text that is looked for.
const SHORTEST_ENCODED: usize = 5;
/// Characters of the shortest line that is looked for on its own.
const SHORTEST_LINE: usize = 8;
/// Bytes of the longest entity of HTML that is read.
const LONGEST_ENTITY: usize = 10;

/// What is to be looked for to find a secret: the text itself, its lines, and what base64 makes of it, wherever it begins in what was encoded.
pub(super) fn forms_of(secret: &str) -> Vec<String> {
    let mut forms = vec![without_repeated_backslashes(secret)];
    if secret.contains('\n') {
        let lines = secret.lines().map(str::trim).filter(|line| line.chars().count() >= SHORTEST_LINE);
        forms.extend(lines.map(without_repeated_backslashes));
    }
    for before in 0..3 {
        let encoded = encoded_behind(before, secret.as_bytes());
        if encoded.len() >= SHORTEST_ENCODED {
            forms.push(encoded.replace('+', "-").replace('/', "_"));
            forms.push(encoded);
        }
    }
    forms
}

/// The base64 of bytes that follow `before` others, without the characters that others share in.
fn encoded_behind(before: usize, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    // The first bit that begins a character of six.
    let first = (6 - before * 8 % 6) % 6;
    let characters = (bytes.len() * 8).saturating_sub(first) / 6;
    (0..characters)
        .filter_map(|character| {
            let value = (0..6).fold(0, |value, at| value << 1 | bit(first + character * 6 + at));
            ALPHABET.get(usize::from(value)).map(|letter| char::from(*letter))
        })
        .collect()
}

/// Escapes repeat backslashes, so their number says nothing.
fn without_repeated_backslashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for next in text.chars() {
        if next != '\\' || !out.ends_with('\\') {
            out.push(next);
        }
    }
    out
}

/// What is left of `text` behind `form`, if the text begins with that in any spelling.
pub(super) fn after_form<'a>(text: &'a str, form: &str) -> Option<&'a str> {
    let mut rest = text;
    for (at, character) in form.chars().enumerate() {
        rest = after_char(rest, character)
            .or_else(|| after_char(after_fold(rest).filter(|_| at > 0)?, character))?;
    }
    Some(rest)
}

/// What is left behind a line break, as lines are folded.
fn after_fold(text: &str) -> Option<&str> {
    let text = text.strip_prefix("\\r").or_else(|| text.strip_prefix('\r')).unwrap_or(text);
    let text = text.strip_prefix("\\n").or_else(|| text.strip_prefix('\n'))?;
    Some(text.trim_start_matches([' ', '\t']))
}

/// What is left of `text` behind a character, if the text begins with that in any spelling.
fn after_char(text: &str, character: char) -> Option<&str> {
    match text.as_bytes().first()? {
        b'\\' => after_escape(text, character),
        b'%' => after_percent(text, character).or_else(|| text.strip_prefix(character)),
        b'&' => after_entity(text, character).or_else(|| text.strip_prefix(character)),
        b'+' if character == ' ' => text.get(1..),
        b'\r' if character == '\n' => text.strip_prefix("\r\n"),
        _ => text.strip_prefix(character),
    }
}

/// JSON, JavaScript, Python, shells. What was escaped again has more backslashes.
fn after_escape(text: &str, character: char) -> Option<&str> {
    let rest = text.trim_start_matches('\\');
    if character == '\\' {
        return Some(rest);
    }
    let letter = match character {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        _ if !character.is_alphanumeric() => character,
        _ => '\0',
    };
    if let Some(rest) = rest.strip_prefix(letter) {
        return Some(rest);
    }
    if let Some(rest) = rest.strip_prefix('x').and_then(|rest| after_hex(rest, 2, u32::from(character))) {
        return Some(rest);
    }
    let mut units = [0; 2];
    let mut rest = rest;
    for (at, unit) in character.encode_utf16(&mut units).iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix('\\')?.trim_start_matches('\\');
        }
        rest = after_hex(rest.strip_prefix('u')?, 4, u32::from(*unit))?;
    }
    Some(rest)
}

/// Addresses and forms. What was encoded again has `%25` in the place of `%`.
fn after_percent(text: &str, character: char) -> Option<&str> {
    let mut bytes = [0; 4];
    let mut rest = text;
    for byte in character.encode_utf8(&mut bytes).bytes() {
        let behind = rest.strip_prefix('%')?;
        let byte = u32::from(byte);
        rest = after_hex(behind, 2, byte).or_else(|| after_hex(behind.strip_prefix("25")?, 2, byte))?;
    }
    Some(rest)
}

/// HTML and XML.
fn after_entity(text: &str, character: char) -> Option<&str> {
    let rest = text.get(1..)?;
    let end = rest.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';')?;
    let (entity, behind) = (rest.get(..end)?, rest.get(end + 1..)?);
    let code = match entity {
        "amp" => Some(u32::from('&')),
        "lt" => Some(u32::from('<')),
        "gt" => Some(u32::from('>')),
        "quot" => Some(u32::from('"')),
        "apos" => Some(u32::from('\'')),
        _ => {
            let number = entity.strip_prefix('#')?;
            match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => number.parse().ok(),
            }
        }
    };
    (code? == u32::from(character)).then_some(behind)
}

/// What is left behind a number of some hexadecimal digits, if it is `value`.
fn after_hex(text: &str, digits: usize, value: u32) -> Option<&str> {
    let (number, rest) = text.split_at_checked(digits)?;
    let is_it = number.bytes().all(|byte| byte.is_ascii_hexdigit())
        && u32::from_str_radix(number, 16).is_ok_and(|number| number == value);
    is_it.then_some(rest)
}
