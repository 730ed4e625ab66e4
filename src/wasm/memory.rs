//! Memory ahead of need. The allocator asks for a few pages at a time, each of which costs the host more than all the work that fits into
//! them; asked for in large pieces, memory that is not used costs nothing.

use std::hint::black_box;

/// Bytes that reading a definition takes for each of its text.
const ROOM_TO_READ: usize = 24;

/// Makes room for what is made of a text of so many bytes.
pub(super) fn make_room_to_read(bytes: usize) {
    make_room(bytes * ROOM_TO_READ);
}

/// Makes room for the values of JSON text, which may be in its strings, too; no more than for those of a result that is as large as one may be.
#[cfg(feature = "engine")]
pub(super) fn make_room_for_values(text: &str) {
    const EACH: usize = 96;
    const MOST: usize = 1 << 20;
    let values = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    make_room(text.len() + values.min(MOST) * EACH);
}

fn make_room(bytes: usize) {
    let mut room: Vec<u8> = Vec::new();
    // What there is not is asked for again when it is needed.
    if bytes > 0 && room.try_reserve_exact(bytes).is_ok() {
        // Taken and given back at once, the allocator keeps it.
        black_box(&mut room);
    }
}

/// How much memory the module was seen to have.
#[cfg(feature = "engine")]
#[derive(Debug, Default)]
pub(super) struct Memory {
    pages: usize,
}

#[cfg(feature = "engine")]
impl Memory {
    /// Makes room for an eighth of what there is where that has grown since the last call.
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
