//! Converts numbers of YAML 1.1 to JSON, and JSON numbers to the text that Python prints.

use crate::json::number::as_python_float;

/// The longest number with a base other than ten. The time to convert it grows with the square of its length.
const LONGEST: usize = 1024;

/// The decimal digits of an integer of YAML 1.1.
pub(super) fn int_digits(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text).replace('_', "");
    let decimal = !rest.contains(':') && (!rest.starts_with('0') || rest.len() == 1);
    if !decimal && rest.len() > LONGEST {
        return Err(format!(
            "a number of more than {LONGEST} characters has to be written in decimal digits"
        ));
    }
    let digits = if decimal {
        rest
    } else if let Some(digits) = rest.strip_prefix("0b") {
        in_base(digits, 2)
    } else if let Some(digits) = rest.strip_prefix("0x") {
        in_base(digits, 16)
    } else if rest.contains(':') {
        in_sixties(&rest)
    } else {
        in_base(&rest, 8)
    };
    match digits.as_str() {
        "" => Err(format!("`{text}` is a number without digits: write text in quotes")),
        "0" => Ok(digits),
        _ => Ok(sign(text) + &digits),
    }
}

/// The JSON text of a float of YAML 1.1. It stays a float: `2.0` keeps its point.
pub(super) fn float_digits(text: &str) -> String {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text).replace('_', "");
    let split = rest.find(['e', 'E']).unwrap_or(rest.len());
    let (mantissa, exponent) = rest.split_at_checked(split).unwrap_or((&rest, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    let whole = if whole.contains(':') { in_sixties(whole) } else { without_zeros(whole).to_owned() };
    format!("{}{whole}.{fraction}{exponent}", sign(text))
}

fn sign(text: &str) -> String {
    if text.starts_with('-') { "-".to_owned() } else { String::new() }
}

fn without_zeros(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

fn in_base(digits: &str, base: u32) -> String {
    if digits.is_empty() {
        return String::new();
    }
    let mut sum = Decimal::default();
    for digit in digits.chars().filter_map(|digit| digit.to_digit(base)) {
        sum.times_plus(base, digit);
    }
    sum.digits()
}

/// A number in base 60: `1:30:05` is 1 · 60² + 30 · 60 + 5.
fn in_sixties(places: &str) -> String {
    let mut sum = Decimal::default();
    for (at, place) in places.split(':').enumerate() {
        if at == 0 {
            place.chars().filter_map(|digit| digit.to_digit(10)).for_each(|digit| sum.times_plus(10, digit));
        } else {
            sum.times_plus(60, place.parse().unwrap_or_default());
        }
    }
    sum.digits()
}

/// A natural number of any size: limbs of nine decimal digits, the lowest first.
#[derive(Default)]
struct Decimal(Vec<u32>);

impl Decimal {
    const LIMB: u64 = 1_000_000_000;

    fn times_plus(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.0 {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = u32::try_from(product % Self::LIMB).unwrap_or_default();
            carry = product / Self::LIMB;
        }
        if carry > 0 {
            self.0.push(u32::try_from(carry).unwrap_or_default());
        }
    }

    fn digits(&self) -> String {
        let mut digits = String::new();
        for limb in self.0.iter().rev() {
            digits.extend([format!("{limb:09}")]);
        }
        without_zeros(&digits).to_owned()
    }
}

/// A JSON number as `PyYAML` writes it: an integer as its digits, a float as Python's `repr` with a point before the
/// exponent.
pub(super) fn to_python(text: &str) -> String {
    if !text.contains(['.', 'e', 'E']) {
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    match as_python_float(text) {
        Some(float) if float.contains('.') => float,
        Some(float) => float.replacen('e', ".0e", 1),
        None => sign(text) + ".inf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_become_decimal_digits() {
        for (text, digits) in [
            ("0", "0"),
            ("-0", "0"),
            ("+12", "12"),
            ("1_0_", "10"),
            ("010", "8"),
            ("-00", "0"),
            ("0_", "0"),
            ("0b1_01", "5"),
            ("-0x1F", "-31"),
            ("1:30", "90"),
            ("-190:20:30", "-685230"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("0xffffffffffffffffffffffff", "79228162514264337593543950335"),
            ("0x3b9aca00", "1000000000"),
            ("1000000000000:00", "60000000000000"),
        ] {
            assert_eq!(int_digits(text).as_deref(), Ok(digits), "{text}");
        }
        assert!(int_digits("0x_").is_err());
        assert!(int_digits(&format!("0x{}", "f".repeat(1022))).is_ok());
        assert!(int_digits(&format!("0x{}", "f".repeat(1023))).is_err());
        assert!(int_digits(&"9".repeat(100_000)).is_ok());
    }

    #[test]
    fn floats_become_json_and_stay_floats() {
        for (text, digits) in [
            ("2.0", "2.0"),
            (".5", "0.5"),
            ("+1.", "1.0"),
            ("-08.50", "-8.50"),
            ("00.0", "0.0"),
            ("1_0.0_1", "10.01"),
            ("1.0e+22", "1.0e+22"),
            ("1.E-3", "1.0E-3"),
            ("1:30.5", "90.5"),
            ("-0:0.", "-0.0"),
        ] {
            assert_eq!(float_digits(text), digits, "{text}");
        }
    }

    #[test]
    fn numbers_are_printed_as_python_does() {
        for (text, python) in [
            ("12", "12"),
            ("-0", "0"),
            ("2.0", "2.0"),
            ("2.50", "2.5"),
            ("-0.0", "-0.0"),
            ("0e5", "0.0"),
            ("1e3", "1000.0"),
            ("1E22", "1.0e+22"),
            ("12.5e20", "1.25e+21"),
            ("1e15", "1000000000000000.0"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("9999999999999999.0", "1.0e+16"),
            ("1e16", "1.0e+16"),
            ("0.0001", "0.0001"),
            ("0.00012e0", "0.00012"),
            ("0.00001", "1.0e-05"),
            ("12.5e-7", "1.25e-06"),
            ("-1.5e-300", "-1.5e-300"),
            ("0.1000000000000000055511151231257827", "0.1"),
            ("-1e400", "-.inf"),
            ("1e-400", "0.0"),
        ] {
            assert_eq!(to_python(text), python, "{text}");
        }
    }
}
