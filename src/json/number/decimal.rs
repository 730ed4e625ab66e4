//! Decimal numbers of any length, which can be multiplied and divided by powers of two. The code works digit by digit:
//! slow, exact and small.

/// `0.d₁d₂d₃… · 10^point`, without zeros at either end. Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) digits: Vec<u8>,
    pub(super) point: i32,
}

/// More digits than the middle between two doubles can have. Further digits only decide on which side of it a number
/// lies.
const MOST: usize = 800;
/// The largest power of two for which a digit and its carry fit into 64 bits.
const STEP: u32 = 32;

impl Decimal {
    /// The number in the text, and whether it has a minus sign.
    pub(super) fn read(text: &str) -> Option<(bool, Self)> {
        let (text, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() {
            return None;
        }
        let mut digits = Vec::with_capacity(whole.len());
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            digits.push(digit);
        }
        let point = read_exponent(exponent)?.saturating_add(i32::try_from(whole.len()).ok()?);
        if digits.len() > MOST {
            let is_more = digits.drain(MOST..).any(|digit| digit > 0);
            digits.push(u8::from(is_more));
        }
        Some((negative, Self { digits, point }.trimmed()))
    }

    pub(super) fn of_integer(value: u64) -> Self {
        let mut decimal = Self { digits: Vec::new(), point: 0 };
        decimal.put_in_front(value);
        decimal.trimmed()
    }

    /// The number without zeros at either end of its digits.
    pub(super) fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        if let Some(rest) = self.digits.get(zeros..).filter(|_| zeros > 0) {
            self.digits = rest.to_vec();
        }
        let moved = self.point.saturating_sub(i32::try_from(zeros).unwrap_or(i32::MAX));
        self.point = if self.digits.is_empty() { 0 } else { moved };
        self
    }

    /// The number times a power of two.
    pub(super) fn shifted(mut self, mut power: i32) -> Self {
        while power != 0 {
            let step = power.unsigned_abs().min(STEP);
            if power > 0 {
                self.multiply(step);
                power -= step.cast_signed();
            } else {
                self.divide(step);
                power += step.cast_signed();
            }
            self = self.trimmed();
        }
        self
    }

    fn multiply(&mut self, power: u32) {
        let mut carry = 0_u64;
        for digit in self.digits.iter_mut().rev() {
            let value = (u64::from(*digit) << power) + carry;
            *digit = u8::try_from(value % 10).unwrap_or_default();
            carry = value / 10;
        }
        self.put_in_front(carry);
    }

    /// Writes an integer before the digits. The point then stands between the two.
    fn put_in_front(&mut self, mut value: u64) {
        let mut digits = Vec::with_capacity(self.digits.len() + 20);
        while value > 0 {
            digits.push(u8::try_from(value % 10).unwrap_or_default());
            value /= 10;
            self.point = self.point.saturating_add(1);
        }
        digits.reverse();
        digits.extend_from_slice(&self.digits);
        self.digits = digits;
    }

    fn divide(&mut self, power: u32) {
        let mask = (1_u64 << power) - 1;
        let mut rest = 0_u64;
        let mut digits = Vec::with_capacity(self.digits.len());
        let mut given = self.digits.iter();
        loop {
            let next = given.next();
            if next.is_none() && rest == 0 {
                break;
            }
            let value = rest * 10 + u64::from(next.copied().unwrap_or_default());
            digits.push(u8::try_from(value >> power).unwrap_or_default());
            rest = value & mask;
        }
        self.digits = digits;
    }

    /// The nearest double; infinite for a number that is too large. The middle between two doubles gives the even one.
    pub(super) fn nearest(self) -> f64 {
        const LOWEST: i32 = -1022;
        if self.digits.is_empty() || self.point < -330 {
            return 0.0;
        }
        if self.point > 310 {
            return f64::INFINITY;
        }
        // A first guess at the binary exponent. The loop corrects it until the number lies between one half and one.
        let mut exponent = self.point * 10 / 3;
        let mut decimal = self.shifted(-exponent);
        while decimal.point > 0 {
            decimal = decimal.shifted(-1);
            exponent += 1;
        }
        while decimal.point < 0 || decimal.digits.first().is_some_and(|first| *first < 5) {
            decimal = decimal.shifted(1);
            exponent -= 1;
        }
        // 53 bits, and fewer for the smallest numbers.
        let bits = (exponent - 1).max(LOWEST) - 52;
        decimal = decimal.shifted(exponent - bits);
        decimal.rounded() * power_of_two(bits)
    }

    /// The nearest integer of up to 53 bits. The middle between two gives the even one.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn rounded(&self) -> f64 {
        let count = usize::try_from(self.point).unwrap_or_default();
        let whole = (0..count).fold(0_u64, |sum, at| sum * 10 + self.digit(at));
        let next = if self.point < 0 { 0 } else { self.digit(count) };
        let is_middle = next == 5 && self.digits.len() == count + 1;
        let is_up = if is_middle { whole % 2 == 1 } else { next >= 5 };
        (whole + u64::from(is_up)) as f64
    }

    fn digit(&self, at: usize) -> u64 {
        self.digits.get(at).copied().unwrap_or_default().into()
    }
}

/// A power of two, down to the smallest double.
fn power_of_two(exponent: i32) -> f64 {
    let bits = if exponent < -1022 {
        1 << (exponent + 1074)
    } else {
        u64::from((exponent + 1023).unsigned_abs()) << 52
    };
    f64::from_bits(bits)
}

/// Reads an exponent: digits with an optional sign. Exponents beyond some 100,000,000 count as equal.
pub(super) fn read_exponent(text: &str) -> Option<i32> {
    let (digits, sign) = match text.strip_prefix('-') {
        Some(rest) => (rest, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    let magnitude = digits.bytes().try_fold(0_i32, |sum, byte| {
        byte.is_ascii_digit().then(|| (sum * 10 + i32::from(byte - b'0')).min(100_000_000))
    })?;
    (!digits.is_empty()).then_some(sign * magnitude)
}
