//! Reserves memory ahead of need. The allocator asks for a few pages at a time, and each request costs the host more
//! than the work that fits into those pages. Large requests are rare, and memory that is not used costs nothing.

use std::hint::black_box;

/// The bytes that reading a definition needs for each byte of its text.
const ROOM_TO_READ: usize = 24;

/// Reserves memory for reading a text of this many bytes.
pub(super) fn make_room_to_read(bytes: usize) {
    make_room(bytes * ROOM_TO_READ);
}

/// Reserves memory for the values of JSON text, even of JSON inside its strings, up to the needs of the largest allowed
/// result.
#[cfg(feature = "engine")]
pub(super) fn make_room_for_values(text: &str) {
    const EACH: usize = 96;
    const MOST: usize = 1 << 20;
    let values = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    make_room(text.len() + values.min(MOST) * EACH);
}

fn make_room(bytes: usize) {
    let mut room: Vec<u8> = Vec::new();
    // If the reservation fails, the allocator tries again when the memory is needed.
    if bytes > 0 && room.try_reserve_exact(bytes).is_ok() {
        // Memory that is reserved and freed stays with the allocator.
        black_box(&mut room);
    }
}

/// The size of the module's memory when it was last checked.
#[cfg(feature = "engine")]
#[derive(Debug, Default)]
pub(super) struct Memory {
    pages: usize,
}

#[cfg(feature = "engine")]
impl Memory {
    /// Reserves a further eighth of the memory if it has grown since the last call.
    pub(super) fn grow_ahead(&mut self) {
        const PAGE: usize = 65_536;
        let pages = pages();
        if pages > self.pages {
            make_room(pages / 8 * PAGE);
        }
        self.pages = self::pages();
    }
}

#[cfg(feature = "engine")]
fn pages() -> usize {
    core::arch::wasm32::memory_size(0)
}
