//! The lists that the API has.

use super::pieces::{self, Items, Listing, Piece, Place, Start};
use super::respond::{self, refusal, written};
use super::routes::{List, Query};
use super::{Answer, artifacts, runs, schedules, updates};
use crate::engine::view::shown::{Shown, View};
use crate::engine::view::{is_in, is_named, shown_summary, step_counts, step_owner, steps_from};
use crate::engine::{Engine, Run};
use crate::http::HttpResponse;
use crate::time::Millis;

const PAGE_SIZE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// The answer with a list, or with its first piece.
pub(super) fn answer(engine: &Engine, list: &List, url: &str, query: &Query) -> Answer {
    if let (List::Steps(id), Some(cursor)) = (list, query.get("cursor")) {
        return steps_at(find(engine, id)?, query, cursor);
    }
    Ok(pieces::first(url, listing(engine, list, query, Start::default())?))
}

/// A list from some item on.
pub(super) fn listing<'a>(
    engine: &'a Engine,
    list: &'a List,
    query: &'a Query,
    start: Start,
) -> Result<Listing<'a>, HttpResponse> {
    Ok(match list {
        List::Runs => page(engine, query, start)?,
        List::Steps(id) => {
            let run = find(engine, id)?;
            Listing::new(&step_owner(run), "steps", steps(run, query, start.place), || step_counts(run))
        }
        List::Logs(id) => logs(engine, find(engine, id)?, query.get("step_name"), start),
        List::StepLogs(id, step) => {
            let run = find(engine, id)?;
            if !run.steps.placed().any(|(at, _)| is_named(run, at, step)) {
                return Err(respond::not_found("step", step));
            }
            logs(engine, run, Some(step), start)
        }
        List::Signals(id) => {
            let run = find(engine, id)?;
            Listing::new(&owner(run), "signals", runs::pending_signals(run, start.place), View::default)
        }
        List::Updates(id) => updates::pending(find(engine, id)?, query, start),
        List::UpdateHistory(id) => updates::history(find(engine, id)?, query, start)?,
        List::Events(id) => {
            let run = find(engine, id)?;
            Listing::new(&owner(run), "events", runs::events(run, query, start)?, View::default)
        }
        List::Approvals => {
            let approvals = runs::approvals(engine, query, start.place);
            Listing::new(&View::default(), "approvals", approvals, View::default)
        }
        List::Artifacts => artifacts::list(engine, start),
        List::Schedules => schedules::list(engine, start.place),
    })
}

/// The place of an item by its position.
pub(super) fn place(at: usize) -> Place {
    (u64::try_from(at).unwrap_or(u64::MAX), 0)
}

/// The position of an item by its place.
pub(super) fn position((at, _): Place) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Gives items their places by their moments. Those of one moment follow each other.
pub(super) fn placed<'a, T: 'a>(
    items: impl Iterator<Item = (Millis, T)> + 'a,
) -> impl Iterator<Item = (Place, T)> + 'a {
    items.scan((0, 0), |next: &mut Place, (at, item)| {
        let place = if at > next.0 { (at, 0) } else { *next };
        *next = (place.0, place.1 + 1);
        Some((place, item))
    })
}

/// Whose a list is.
pub(super) fn owner(run: &Run) -> View<'_> {
    View::default().with("workflow_run_id", run.id())
}

fn find<'a>(engine: &'a Engine, id: &str) -> Result<&'a Run, HttpResponse> {
    engine.find(id).map(|(_, run)| run).ok_or_else(|| respond::no_run(engine, id))
}

/// One page of runs, newest first: `{workflows, total, page, page_size}`.
fn page<'a>(engine: &'a Engine, query: &'a Query, start: Start) -> Result<Listing<'a>, HttpResponse> {
    let number = |key: &str, default: usize| {
        query.get(key).map_or(Some(default), |text| text.parse().ok().filter(|n| *n > 0))
    };
    let (Some(page), Some(page_size)) = (number("page", 1), number("page_size", PAGE_SIZE)) else {
        return Err(refusal(400, "QUERY_INVALID", "`page` and `page_size` are whole numbers from 1"));
    };
    let page_size = page_size.min(LARGEST_PAGE);
    let status = query.get("status");
    let chosen: Vec<&Run> = engine
        .runs()
        .into_iter()
        .rev()
        .filter(|run| status.is_none_or(|status| is_in(run, status)))
        .collect();
    let after = View::default().with("total", chosen.len()).with("page", page).with("page_size", page_size);
    let on_page = chosen.into_iter().skip((page - 1).saturating_mul(page_size)).take(page_size).enumerate();
    let items = on_page
        .skip(position(start.place))
        .map(|(at, run)| (place(at), Some(Shown::View(shown_summary(run)))));
    Ok(Listing::new(&View::default(), "workflows", Box::new(items), || after))
}

fn steps<'a>(run: &'a Run, query: &'a Query, from: Place) -> Items<'a> {
    let steps = steps_from(run, query.get("status"), position(from));
    Box::new(steps.map(|(at, step)| (place(at), step.map(Shown::View))))
}

/// Some steps, and where the next ones are: for those who ask with a cursor.
fn steps_at(run: &Run, query: &Query, cursor: &str) -> Answer {
    let Ok(from) = cursor.parse() else {
        return Err(refusal(400, "QUERY_INVALID", "`cursor` is the `next_cursor` of another answer, or 0"));
    };
    let steps = vec![(String::new(), steps(run, query, place(from)))];
    let some = Listing { lists: steps, end: Box::new(String::new) };
    let Piece { text, next } = some.cut(None);
    let mut counts = step_counts(run);
    if let Some(next) = next {
        counts = counts.with("next_cursor", next.place.0);
    }
    let Listing { lists, end } =
        Listing::new(&step_owner(run), "steps", Box::new(std::iter::empty()), || counts);
    let before: String = lists.into_iter().map(|(before, _)| before).collect();
    Ok(written(200, before + &text + &end()))
}

fn logs<'a>(engine: &'a Engine, run: &'a Run, only: Option<&'a str>, start: Start) -> Listing<'a> {
    let logs = engine.logs(run, only);
    let entries = logs.entries(start.place, pieces::ITEMS + 1);
    let items = entries.map(|(place, entry)| (place, entry.map(Shown::View)));
    Listing::new(&owner(run), "logs", Box::new(items), move || logs.dropped())
}
