//! Turns rows into coordinates, and gives containers their size.

use super::Spacing;
use super::grid::Grid;
use super::items::Item;
use super::links::Place;
use super::work::Work;

/// The space between the border of a container and its content.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Padding {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// Moves the items of a container to their positions in it, and sets its size. Coordinates start at the upper left
/// corner of the container.
pub(super) fn fit(grid: &Grid, work: &mut Work, container: usize, padding: Padding, spacing: &Spacing) {
    let (left, right) = extent(grid, work);
    let heights: Vec<Option<f64>> = grid.rows.iter().map(|row| height(row, work)).collect();
    let rows = f64::from(u32::try_from(heights.iter().flatten().count()).unwrap_or(u32::MAX));
    let content: f64 = heights.iter().flatten().sum::<f64>() + spacing.layer * (rows - 1.0).max(0.0);
    let mut whole = Item::default();
    // The root is not a node, so it has no item.
    if container < work.items.nodes {
        whole = work.items.get(container);
    }
    whole.half = whole.half.max((padding.left + (right - left) + padding.right) / 2.0);
    whole.height = whole.height.max(padding.top + content + padding.bottom);
    if container < work.items.nodes {
        work.items.edit(container, |item| *item = whole);
    }

    let move_by = whole.half + (padding.left - padding.right - left - right) / 2.0;
    let mut y = (whole.height + padding.top - padding.bottom - content) / 2.0;
    for (number, (row, row_height)) in grid.rows.iter().zip(heights).enumerate() {
        let (top, bottom) = match row_height {
            Some(height) => (y, y + height),
            None if number == 0 => (0.0, 0.0),
            None => (whole.height, whole.height),
        };
        if row_height.is_some() {
            y = bottom + spacing.layer;
        }
        for (slot, &item) in row.iter().enumerate() {
            work.items.edit(item, |item| (item.x, item.top, item.bottom) = (item.x + move_by, top, bottom));
            let shift = work.items.get(item).x - whole.half;
            if let Some(port) = work.plan.port_mut(item, work.items.nodes) {
                let part = u8::try_from((slot * 2 + 1) * 128 / row.len()).unwrap_or(u8::MAX);
                port.place = Place { shift, part };
            }
        }
    }
}

/// How far the items reach to the left and to the right.
fn extent(grid: &Grid, work: &Work) -> (f64, f64) {
    let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
    for &item in grid.rows.iter().flatten() {
        let Item { x, half, .. } = work.items.get(item);
        (left, right) = (left.min(x - half), right.max(x + half));
    }
    (left, right)
}

/// The height of a row; `None` for a row without nodes, which has only ports.
fn height(row: &[usize], work: &Work) -> Option<f64> {
    let heights =
        row.iter().filter(|&&item| item < work.items.nodes).map(|&item| work.items.get(item).height);
    heights.reduce(f64::max)
}
