//! Queries that would take more than they may: time, memory, or everybody else's time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use prometheus_server::{ApiOptions, router};

use support::{api, get, post, state_of, store};

/// A selector with so many regular expressions that need automata.
fn expressions(count: usize) -> String {
    let matchers: Vec<String> =
        (0..count).map(|index| format!("a=~\"x[0-9]+{index}\\\\pL{{3}}y\"")).collect();
    format!("up{{{}}}", matchers.join(","))
}

fn form(name: &str, text: &str) -> String {
    format!("{name}={}", form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>())
}

#[tokio::test]
async fn a_query_with_costly_expressions_lets_others_pass() {
    let api = api();
    for (path, name) in [
        ("/api/v1/query", "query"),
        ("/api/v1/query_range?start=0&end=1&step=1", "query"),
        ("/api/v1/format_query", "query"),
        ("/api/v1/query_exemplars", "query"),
        ("/api/v1/series", "match[]"),
        ("/api/v1/labels", "match[]"),
    ] {
        let finished = Arc::new(Mutex::new(Vec::new()));
        let ask = |which: &'static str, path: String, form: String| {
            let (api, finished): (Router, _) = (api.clone(), Arc::clone(&finished));
            tokio::spawn(async move {
                let answer = post(&api, &path, form).await;
                finished.lock().unwrap().push(which);
                answer
            })
        };
        // All on one thread, as `cargo xtask kwok` has it: the first is begun first.
        let costly = ask("costly", path.to_owned(), form(name, &expressions(40)));
        let cheap = ask("cheap", "/api/v1/query".to_owned(), "query=1".to_owned());
        assert_eq!(cheap.await.unwrap().status, StatusCode::OK);
        costly.await.unwrap();
        assert_eq!(*finished.lock().unwrap(), ["cheap", "costly"], "{path}");
    }
}

#[tokio::test]
async fn the_expressions_of_a_query_have_one_budget() {
    let api = api();
    let refused = |query: String| {
        let api = api.clone();
        async move {
            let answer = post(&api, "/api/v1/query", form("query", &query)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
            assert!(answer.text().contains("expression too large"), "{}", answer.text());
            assert!(answer.body.len() < 1_000, "{}", answer.text());
        }
    };
    refused(expressions(2_000)).await;
    refused(format!("up{{a=~\"{}\"}}", "(x[ab])?".repeat(200_000))).await;
    // Also over several selectors of one request.
    let selectors: Vec<String> = (0..20).map(|_| form("match[]", &expressions(100))).collect();
    let answer = post(&api, "/api/v1/series", selectors.join("&")).await;
    assert!(answer.text().contains("expression too large"), "{}", answer.text());
}

#[tokio::test]
async fn the_expressions_of_label_replace_count_too() {
    let mut query = "up".to_owned();
    for index in 0..200 {
        query = format!("label_replace({query}, \"a\", \"$1\", \"b\", \"(x+)\\\\pL{{40}}{index}\")");
    }
    let answer = post(&api(), "/api/v1/query", form("query", &query)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("expression too large"), "{}", answer.text());
}

#[tokio::test]
async fn reading_a_query_ends_with_its_time() {
    let options = ApiOptions { max_concurrent_queries: 1, ..ApiOptions::default() };
    let api = router(state_of(store(), options));
    let answer = post(&api, "/api/v1/query?timeout=1ms", form("query", &expressions(400))).await;
    assert!(answer.text().contains("timed out"), "{}", answer.text());
    // The only place is free again long before all of it would have been read.
    let began = Instant::now();
    assert_eq!(get(&api, "/api/v1/query?query=1").await.status, StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn labels_do_not_grow_without_end() {
    let mut query = "up".to_owned();
    for _ in 0..60 {
        query = format!("label_join({query}, \"job\", \"\", \"job\", \"job\")");
    }
    let answer = post(&api(), "/api/v1/query", form("query", &query)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reason = "label_join() makes a value of more than 65536 bytes for the label \\\"job\\\"";
    assert!(answer.text().contains(reason), "{}", answer.text());
}

#[tokio::test]
async fn a_label_name_that_is_no_text_is_refused_in_json() {
    let answer = get(&api(), "/api/v1/label/%FF/values").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().starts_with(r#"{"status":"error","errorType":"bad_data","#), "{}", answer.text());
}
