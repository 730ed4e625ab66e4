//! Decodes base64, the form of bytes in JSON.

/// The bytes of base64 text in the standard alphabet with padding; `None` for other text.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    let (body, padding) = match text.strip_suffix("==") {
        Some(body) => (body, 2),
        None => text.strip_suffix('=').map_or((text, 0), |body| (body, 1)),
    };
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in body.bytes() {
        bits = bits << 6 | u32::from(value_of(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // Left-over bits must be zero: otherwise two texts for the same bytes would be two artifacts.
    let is_whole = bits & ((1 << count) - 1) == 0 && count == padding * 2;
    is_whole.then_some(bytes)
}

const fn value_of(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_others_write() {
        let all: Vec<u8> = (0..=255).collect();
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==";
        assert_eq!(parse_base64(text), Some(all));
        for (text, bytes) in [("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man")] {
            assert_eq!(parse_base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["T", "TQ", "TQ=", "TQ===", "TWE", "TR==", "TWF=", "T=Fu", "TW-_", "TWF u", "=", "===="] {
            assert_eq!(parse_base64(text), None, "{text}");
        }
    }
}
