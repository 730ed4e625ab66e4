//! Workflows that start by themselves.

use crate::support::{self, Scenario, Server, independent, with};
use highway_wasm::engine::{Config, Limit, Limits, Run, RunIx, ScheduleIx, ScheduleState, Zones};
use highway_wasm::time::{parse_iso, to_iso};
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;

/// A workflow of one task with a schedule; virtual time begins at 2030-01-01T00:00:00Z, a Tuesday.
fn scheduled(rule: &str) -> Value {
    with(with(independent(&["a"]), "/schedule", rule), "/max_active_runs", 9)
}

/// A scenario in which the workflow is registered, without a run of its own.
fn registered(document: &Value) -> Scenario {
    let mut scenario = Scenario::new();
    register(&mut scenario, document);
    scenario
}

fn register(scenario: &mut Scenario, document: &Value) {
    assert_eq!(support::findings(document), [""; 0]);
    scenario.engine.register(support::registered(document), scenario.now).unwrap();
    scenario.tick();
}

/// Minute and second (and what is before them, where it is not the first hour) for which runs were started.
fn slots(scenario: &Scenario) -> Vec<String> {
    let slot = |run: &Run| run.created.schedule.map(|firing| to_iso(firing.slot)[..16].to_owned());
    scenario.engine.runs().into_iter().filter_map(slot).collect()
}

fn finish_all(scenario: &mut Scenario) {
    for call in scenario.take_starts() {
        scenario.finish(&call, Ok(json!({})));
    }
}

#[test]
fn a_registered_definition_starts_by_its_calendar() {
    let mut scenario = registered(&scheduled("*/30 * * * *"));
    scenario.expect_no_start();
    scenario.advance(3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:30", "2030-01-01T01:00"]);
    finish_all(&mut scenario);
    let inputs = &scenario.engine.runs()[1].created.inputs;
    assert_eq!(inputs["data_interval_start"], "2030-01-01T00:30:00.000Z");
    assert_eq!(inputs["data_interval_end"], "2030-01-01T01:00:00.000Z");
    scenario.advance(1_800.0);
    assert_eq!(slots(&scenario).len(), 3);
}

#[test]
fn a_submitted_definition_runs_at_once_and_then_by_its_schedule_with_the_same_inputs() {
    let mut scenario = Scenario::new();
    scenario.submit_with(&scheduled("@every 90s"), json!({"region": "eu"}));
    finish_all(&mut scenario);
    scenario.assert_status("completed");
    scenario.advance(180.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:01", "2030-01-01T00:03"]);
    for run in &scenario.engine.runs()[1..] {
        assert_eq!(run.created.inputs["region"], "eu");
    }
}

#[test]
fn a_scheduled_run_knows_the_interval_that_it_is_for() {
    let kwargs =
        json!({"short": "{{ds}}", "long": "{{inputs.data_interval_start}}", "end": "{{data_interval_end}}"});
    let mut scenario = registered(&with(scheduled("0 * * * *"), "/tasks/a/kwargs", kwargs));
    scenario.advance(7_200.0);
    for (start, end) in [("00", "01"), ("01", "02")] {
        let call = scenario.succeed("a", json!({}));
        let moment = |hour: &str| format!("2030-01-01T{hour}:00:00.000Z");
        let expected = json!({"short": moment(start), "long": moment(start), "end": moment(end)});
        assert_eq!(call.kwargs, expected);
    }
    // There is none where nobody's clock started the run, and an input does not take its place.
    let asking = with(independent(&["a"]), "/tasks/a/kwargs", json!({"short": "{{ds}}"}));
    scenario.submit(&asking);
    scenario.assert_status("failed");
    assert_eq!(scenario.failure_code(), "TEMPLATE_UNRESOLVED");
    scenario.submit_with(&asking, json!({"ds": "mine"}));
    assert_eq!(scenario.failure_code(), "TEMPLATE_UNRESOLVED");
    let help = scenario.step("a")["error_details"]["help"].clone();
    assert_eq!(help, "`ds` is known in the runs that a schedule starts; the input is `{{inputs.ds}}`");
    scenario.submit_with(&asking, json!({"data_interval_start": "2030-01-01"}));
    assert_eq!(scenario.failure_code(), "TEMPLATE_UNRESOLVED");
}

#[test]
fn a_run_that_is_tried_again_is_for_the_same_moment() {
    let mut scenario =
        registered(&with(scheduled("0 * * * *"), "/tasks/a/kwargs", json!({"start": "{{ds}}"})));
    scenario.advance(3_600.0);
    let first = scenario.fail("a", "BROKEN");
    let failed = scenario.engine.runs().len() - 1;
    let again = scenario.engine.retry(RunIx::new(failed), "again".into(), scenario.now).unwrap().unwrap();
    let created = |at: usize| scenario.engine.run(RunIx::new(at)).unwrap().created.schedule;
    assert_eq!(created(again.get()), created(failed));
    scenario.take();
    assert_eq!(scenario.expect_start("a").kwargs, first.kwargs);
}

#[test]
fn it_starts_with_its_start_date() {
    let document = with(scheduled("0 * * * *"), "/start_date", "2030-01-01T05:00:00Z");
    let mut scenario = registered(&document);
    scenario.advance(6.0 * 3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T05:00", "2030-01-01T06:00"]);
    let document = with(scheduled("@every 1h"), "/start_date", "2030-01-01T05:30:00Z");
    let mut scenario = registered(&document);
    scenario.advance(7.0 * 3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T06:30"]);
}

#[test]
fn what_was_missed_is_made_up_for_only_where_that_is_asked_for() {
    let long_ago = |document| with(document, "/start_date", "2029-12-31T20:00:00Z");
    let mut scenario = registered(&long_ago(scheduled("0 * * * *")));
    scenario.expect_no_start();
    scenario.sleep_through(3.0 * 3_600.0 + 60.0);
    assert_eq!(slots(&scenario), ["2030-01-01T03:00"], "the latest alone");

    let mut scenario = registered(&with(long_ago(scheduled("0 * * * *")), "/catchup", true));
    scenario.advance(0.0);
    let missed = ["2029-12-31T20:00", "2029-12-31T21:00", "2029-12-31T22:00", "2029-12-31T23:00"];
    assert_eq!(slots(&scenario)[..4], missed);
    assert_eq!(slots(&scenario)[4..], ["2030-01-01T00:00"]);

    let mut scenario = registered(&scheduled("@every 10m"));
    scenario.sleep_through(35.0 * 60.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:30"]);
    scenario.advance(5.0 * 60.0);
    assert_eq!(slots(&scenario)[1..], ["2030-01-01T00:40"], "it keeps its beat");
}

#[test]
fn it_waits_while_as_many_runs_are_active_as_may_be() {
    let mut scenario = registered(&with(scheduled("* * * * *"), "/max_active_runs", 1));
    scenario.advance(60.0);
    let first = scenario.expect_start("a");
    scenario.advance(150.0);
    scenario.expect_no_start();
    assert_eq!(scenario.engine.schedules().next().unwrap().1.state, ScheduleState::Held);
    scenario.finish(&first, Ok(json!({})));
    scenario.advance(0.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:01", "2030-01-01T00:03"], "the latest missed one, once");
    let second = scenario.expect_start("a");
    scenario.reopen();
    scenario.finish(&second, Ok(json!({})));
    scenario.advance(30.0);
    assert_eq!(slots(&scenario)[2..], ["2030-01-01T00:04"]);

    let caught_up = with(with(scheduled("* * * * *"), "/max_active_runs", 1), "/catchup", true);
    let mut scenario = registered(&caught_up);
    scenario.advance(180.0);
    for _ in 0..3 {
        scenario.succeed("a", json!({}));
        scenario.advance(0.0);
    }
    assert_eq!(slots(&scenario), ["2030-01-01T00:01", "2030-01-01T00:02", "2030-01-01T00:03"]);
}

#[test]
fn what_waits_starts_once_more_runs_may_be_active() {
    let mut scenario = registered(&with(scheduled("* * * * *"), "/max_active_runs", 1));
    scenario.advance(150.0);
    scenario.expect_starts(&["a"]);
    register(&mut scenario, &with(scheduled("* * * * *"), "/max_active_runs", 2));
    scenario.advance(0.0);
    scenario.expect_starts(&["a"]);
    assert_eq!(slots(&scenario), ["2030-01-01T00:01", "2030-01-01T00:02"]);
}

#[test]
fn a_paused_one_fires_once_it_is_resumed() {
    let mut scenario = Scenario::of(&with(scheduled("* * * * *"), "/is_paused", true));
    scenario.succeed("a", json!({}));
    scenario.assert_status("completed");
    scenario.advance(150.0);
    scenario.expect_no_start();
    assert!(scenario.engine.activate_schedule(ScheduleIx::default(), true, scenario.now));
    scenario.tick();
    scenario.expect_no_start();
    scenario.advance(30.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:03"]);
    scenario.engine.activate_schedule(ScheduleIx::default(), false, scenario.now);
    scenario.advance(600.0);
    assert_eq!(slots(&scenario).len(), 1);
}

#[test]
fn the_latest_definition_decides() {
    let mut scenario = registered(&scheduled("* * * * *"));
    scenario.advance(60.0);
    let document = with(scheduled("@every 1h"), "/description", "the second");
    register(&mut scenario, &document);
    scenario.advance(3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T00:01", "2030-01-01T01:01"]);
    assert_eq!(scenario.engine.runs()[1].created.definition["description"], "the second");
    register(&mut scenario, &independent(&["a"]));
    scenario.advance(7_200.0);
    assert_eq!(slots(&scenario).len(), 2);
    assert_eq!(scenario.engine.schedules().count(), 0);
}

#[test]
fn registering_the_same_again_changes_nothing() {
    let mut scenario = registered(&scheduled("@every 1h"));
    scenario.advance(1_800.0);
    scenario.engine.activate_schedule(ScheduleIx::default(), false, scenario.now);
    register(&mut scenario, &scheduled("@every 1h"));
    assert_eq!(scenario.engine.schedules().next().unwrap().1.state, ScheduleState::Paused);
    scenario.engine.activate_schedule(ScheduleIx::default(), true, scenario.now);
    register(&mut scenario, &scheduled("@every 1h"));
    scenario.advance(3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T01:30"], "it counts from when it was resumed");
}

#[test]
fn another_rule_does_not_make_up_for_what_was_done() {
    let since = |document: Value| with(document, "/start_date", "2029-12-31T22:00:00Z");
    let caught_up = |document: Value| with(since(document), "/catchup", true);
    let mut scenario = registered(&since(scheduled("0 * * * *")));
    scenario.advance(7_200.0);
    let fired = ["2030-01-01T01:00", "2030-01-01T02:00"];
    assert_eq!(slots(&scenario), fired);
    // With catch-up, and then with another rule: each would begin with its start date.
    for (document, next) in [
        (caught_up(scheduled("0 * * * *")), "2030-01-01T03:00"),
        (caught_up(scheduled("*/30 * * * *")), "2030-01-01T03:30"),
        (caught_up(scheduled("@every 1h")), "2030-01-01T05:00"),
    ] {
        let known = slots(&scenario).len();
        register(&mut scenario, &document);
        assert_eq!(slots(&scenario).len(), known, "{next}");
        scenario.advance(3_600.0);
        assert!(slots(&scenario)[known..].iter().any(|slot| slot == next), "{next}: {:?}", slots(&scenario));
    }
    let all = slots(&scenario);
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
    let schedule = scenario.engine.schedules().next().unwrap().1;
    assert_eq!(usize::try_from(schedule.fired).unwrap(), all.len(), "it is the same one");
}

#[test]
fn a_schedule_outlives_the_engine_and_fires_once() {
    let mut scenario = registered(&scheduled("0 * * * *"));
    scenario.advance(3_600.0);
    scenario.reopen();
    let call = scenario.expect_start("a");
    scenario.finish(&call, Ok(json!({})));
    scenario.advance(60.0);
    scenario.expect_no_start();
    scenario.reopen();
    scenario.sleep_through(5.0 * 3_600.0);
    assert_eq!(slots(&scenario), ["2030-01-01T01:00", "2030-01-01T06:00"]);
}

#[test]
fn clocks_of_other_zones_are_those_of_the_host() {
    let zones = Zones::new(|zone, _| (zone == "Asia/Kolkata").then_some(19_800_000));
    let mut scenario = Scenario::with(Config { zones, ..Config::default() });
    register(&mut scenario, &scheduled("CRON_TZ=Asia/Kolkata 0 9 * * *"));
    scenario.advance(86_400.0);
    assert_eq!(slots(&scenario), ["2030-01-01T03:30"]);
    assert_eq!(
        parse_iso("2030-01-01T03:30"),
        scenario.engine.runs()[0].created.schedule.map(|firing| firing.slot)
    );
}

#[test]
fn a_task_makes_a_schedule_of_another_workflow() {
    let mut scenario = registered(&independent(&["a"]));
    let cron = json!({"name": "cron", "tasks": {"job": {"task_id": "job", "operator_type": "task",
        "function": "tools.cron.durable_cron", "result_key": "made", "kwargs": {"job_name": "poll",
        "cron_expression": "*/10 * * * *", "workflow_name": "scenario", "target_params": {"inputs": {"n": 7}}}}}});
    scenario.submit(&cron);
    scenario.assert_status("completed");
    assert_eq!(scenario.view()["result"]["made"]["next_run_at"], "2030-01-01T00:10:00.000Z");
    scenario.advance(600.0);
    scenario.succeed("a", json!({}));
    assert_eq!(scenario.engine.runs()[1].created.inputs["n"], 7);
    let unknown = with(cron, "/tasks/job/kwargs/workflow_name", "ghost");
    scenario.submit(&unknown);
    scenario.assert_status("failed");
    assert_eq!(scenario.failure_code(), "TOOL_ARGUMENTS_INVALID");
}

#[test]
fn the_api_makes_shows_pauses_and_ends_schedules() {
    let mut server = Server::new();
    let definition = independent(&["a"]);
    let body = json!({"workflow_definition": definition, "execute": false});
    let known = server.post("/workflows", &body);
    let (id, hash) = (known.data()["definition_id"].clone(), known.data()["definition_hash"].clone());
    for target in [
        json!({"workflow_name": "scenario"}),
        json!({"workflow_name": "scenario", "version_pin": 1}),
        json!({"definition_id": id}),
        json!({"definition_hash": hash}),
        json!({"workflow_definition": definition}),
    ] {
        let mut body = target.clone();
        body["schedule_cron"] = "0 * * * *".into();
        let made = server.post("/schedules", &body);
        assert_eq!(made.status, 201, "{target}");
        assert_eq!(made.data()["workflow_name"], "scenario");
        assert_eq!(made.data()["next_run_at"], "2030-01-01T01:00:00.000Z");
        assert_eq!(
            (&made.data()["schedule_cron"], &made.data()["timezone"]),
            (&json!("0 * * * *"), &json!("UTC"))
        );
    }
    let all = server.get("/schedules");
    let schedules = all.data()["schedules"].as_array().unwrap();
    assert_eq!(schedules.len(), 5);
    let ids: Vec<&str> = schedules.iter().map(|one| one["schedule_id"].as_str().unwrap()).collect();
    let path = |at: usize| format!("/schedules/{}", ids[at]);

    let paused = server.request("PATCH", &path(1), &[], Some(r#"{"is_active": false}"#));
    assert_eq!((&paused.data()["is_active"], &paused.data()["next_run_at"]), (&json!(false), &Value::Null));
    assert_eq!(server.request("DELETE", &path(2), &[], None).status, 200);
    let job = schedules[3]["job_name"].as_str().unwrap();
    assert_eq!(server.post(&format!("/workflows/schedules/{job}/cancel"), &json!({})).status, 200);
    assert_eq!(server.get(&path(3)).code(), "NOT_FOUND");
    server.advance(2 * 3_600_000 + 1_000);
    let history = server.get(&format!("{}/history?limit=1", path(0)));
    assert_eq!(history.data()["total"], 2);
    let latest = &history.data()["executions"][0];
    assert_eq!((&latest["status"], &latest["duration_seconds"]), (&json!("completed"), &json!(0.5)));
    assert_eq!(latest["scheduled_for"], "2030-01-01T02:00:00.000Z");
    assert_eq!(server.get(&format!("{}/history", path(1))).data()["total"], 0);
    assert_eq!(server.get("/workflows/schedules").data()["total"], 3);
    assert_eq!(server.get(&path(0)).data()["execution_count"], 2);
    assert_eq!(server.post("/schedules/scan", &json!({})).status, 200);
}

#[test]
fn the_history_tells_why_a_run_did_not_complete() {
    let mut server = Server::with_tool(|_| None);
    let slow = with(independent(&["a"]), "/deadline_seconds", 9);
    let job = json!({"job_name": "slow", "schedule_cron": "@every 60s", "workflow_definition": slow});
    assert_eq!(server.post("/schedules", &job).status, 201);
    server.advance(70_000);
    let history = server.get("/schedules/slow/history");
    let latest = &history.data()["executions"][0];
    assert_eq!((&latest["status"], &latest["error_code"]), (&json!("failed"), &json!("RUN_TIMED_OUT")));
    server.advance(51_000);
    let history = server.get("/schedules/slow/history");
    assert_eq!(history.data()["executions"][0]["error_code"], Value::Null);
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    let mut server = Server::new();
    server.post("/workflows", &json!({"workflow_definition": independent(&["a"]), "execute": false}));
    for (body, status, code) in [
        (json!({"workflow_name": "scenario"}), 400, "BODY_INVALID"),
        (json!({"schedule_cron": "0 * * * *"}), 400, "BODY_INVALID"),
        (json!({"schedule_cron": "0 * * * *", "workflow_name": "ghost"}), 404, "NOT_FOUND"),
        (json!({"schedule_cron": "0 * * * *", "definition_id": "ghost"}), 404, "NOT_FOUND"),
        (
            json!({"schedule_cron": "0 * * * *", "workflow_name": "scenario", "version_pin": 2}),
            404,
            "NOT_FOUND",
        ),
        (json!({"schedule_cron": "0 99 * * *", "workflow_name": "scenario"}), 400, "SCHEDULE_INVALID"),
        (
            json!({"schedule_cron": "0 9 * * *", "timezone": "Mars/X", "workflow_name": "scenario"}),
            400,
            "SCHEDULE_INVALID",
        ),
        (
            json!({"schedule_cron": "0 9 * * *", "inputs": [], "workflow_name": "scenario"}),
            400,
            "BODY_INVALID",
        ),
    ] {
        let reply = server.post("/schedules", &body);
        assert_eq!((reply.status, reply.code()), (status, code), "{body}");
    }
    assert_eq!(server.get("/schedules").data()["total"], 0);
    let zoned = json!({"workflow_definition": scheduled("CRON_TZ=Mars/X 0 9 * * *")});
    let reply = server.post("/workflows", &zoned);
    assert_eq!((reply.status, reply.code()), (400, "SCHEDULE_INVALID"));
    assert_eq!(reply.body["details"][0]["path"], "/schedule");
    assert_eq!(server.get("/schedules/ghost").code(), "NOT_FOUND");
    assert_eq!(
        server.request("PATCH", "/schedules/ghost", &[], Some(r#"{"is_active": true}"#)).code(),
        "NOT_FOUND"
    );
}

/// The latest of what was missed is found without a look at all of it: the host is asked for its clocks some hundred times.
#[test]
fn a_year_asleep_is_over_at_once() {
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let summer = parse_iso("2030-03-31T01:00").unwrap()..parse_iso("2030-10-27T01:00").unwrap();
    let zones = Zones::new(move |_, at| {
        count.set(count.get() + 1);
        Some(if summer.contains(&at) { 7_200_000 } else { 3_600_000 })
    });
    let mut scenario = Scenario::with(Config { zones, ..Config::default() });
    register(&mut scenario, &scheduled("CRON_TZ=Europe/Berlin * * * * *"));
    scenario.sleep_through(365.0 * 86_400.0);
    assert_eq!(slots(&scenario), ["2031-01-01T00:00"]);
    assert!(asked.get() < 2_000, "{}", asked.get());
    finish_all(&mut scenario);
    scenario.advance(60.0);
    assert_eq!(slots(&scenario), ["2031-01-01T00:00", "2031-01-01T00:01"]);
}

#[test]
fn active_runs_of_a_schedule_have_a_limit_whatever_the_definition_allows() {
    let limits = Limits::default().with(Limit::ScheduledRuns, 3);
    let mut scenario = Scenario::with(Config { limits, ..Config::default() });
    let missed = with(with(scheduled("* * * * *"), "/start_date", "2029-12-31T00:00:00Z"), "/catchup", true);
    register(&mut scenario, &with(missed, "/max_active_runs", 1_000_000));
    scenario.advance(60.0);
    assert_eq!(slots(&scenario).len(), 3);
    finish_all(&mut scenario);
    scenario.advance(1.0);
    assert_eq!(slots(&scenario).len(), 6, "the next ones start once these are over");
}
