//! Memory ahead of need.

use std::hint::black_box;

const PAGE: usize = 65_536;

/// How much memory the module was seen to have. The allocator asks for a few pages at a time, each of which costs the host more
/// than all the work that fits into them; asked for in large pieces, memory that is not used costs nothing.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pages: usize,
}

impl Memory {
    /// Makes room for `bytes`, and for an eighth of what there is where that has grown since the last call.
    pub(super) fn make_room(&mut self, bytes: usize) {
        let pages = pages();
        let ahead = if pages > self.pages { pages / 8 * PAGE } else { 0 };
        let mut room: Vec<u8> = Vec::new();
        // What there is not is asked for again when it is needed.
        if ahead.max(bytes) > 0 && room.try_reserve_exact(ahead.max(bytes)).is_ok() {
            // Taken and given back at once, the allocator keeps it.
            black_box(&mut room);
        }
        drop(room);
        self.pages = self::pages();
    }
}

fn pages() -> usize {
    core::arch::wasm32::memory_size(0)
}
