//! An environment in the background, from its start to its end, and what may change it.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Environment, Home, PODS, agent, get, text, xtask};

const ANY_PORTS: [&str; 8] = ["--api-port", "0", "--otlp-port", "0", "--stats-port", "0", "--web-port", "0"];
const SMALL: [&str; 8] = ["--nodes", "2", "--pods", "8", "--backfill", "1m", "--interval", "1s"];

type Headers<'a> = &'a [(&'a str, &'a str)];

/// What a command printed, and how it ended.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    /// It succeeded; what it printed on stdout.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// It failed with this code; what it printed on stderr.
    #[track_caller]
    fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self.stderr
    }
}

fn run(home: &Home, arguments: &[&str]) -> Said {
    let output = xtask(home).args(arguments).stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = text(&output);
    Said { code: output.status.code(), stdout, stderr }
}

/// Starts an environment in the background, on free ports.
fn detach(home: &Home, arguments: &[&str]) -> Said {
    run(home, &[&["kwok", "--detach"], &ANY_PORTS[..], arguments].concat())
}

/// Ends all environments of a home, however a test ends.
struct EndAll<'a>(&'a Home);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        run(self.0, &["down", "--all"]);
    }
}

fn status(home: &Home) -> Vec<Value> {
    serde_json::from_str(&run(home, &["status", "--format", "json"]).stdout).unwrap()
}

fn state_file(home: &Home) -> PathBuf {
    let folders = [".local/state", "Library/Application Support", "Library/Caches", ".cache"];
    let files = folders.map(|folder| home.0.join(folder).join("kubernetes-mixin-otel/embedded/kwok.json"));
    files.into_iter().find(|file| file.exists()).expect("there is no state file")
}

fn token(home: &Home) -> String {
    let state: Value = serde_json::from_str(&std::fs::read_to_string(state_file(home)).unwrap()).unwrap();
    state["token"].as_str().unwrap().to_owned()
}

/// Asks until the answer is as wanted: the next scrape is at most a second away.
#[track_caller]
fn until(wanted: &str, ask: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let answer = ask();
        if answer.contains(wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "{wanted:?} is missing after 15 s in:\n{answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The line behind which a command tells another one, without `cargo xtask`.
fn command_in(answer: &str, name: &str) -> Vec<String> {
    let start = format!("  cargo xtask {name} ");
    let line = answer.lines().find(|line| line.starts_with(&start)).expect("no such command is told");
    let rest = line.trim_start_matches("  cargo xtask ");
    match rest.split_once(" '") {
        Some((name, query)) => vec![name.to_owned(), query.trim_end_matches('\'').to_owned()],
        None => rest.split(' ').map(str::to_owned).collect(),
    }
}

#[test]
fn an_environment_in_the_background_is_found_and_changed_and_ended() {
    let home = Home::new("detached");
    let _end = EndAll(&home);
    let up = detach(&home, &SMALL);
    for part in
        ["2 nodes, 8 pods", "dashboards  ", "Prometheus API  ", "OTLP metrics  ", "kubelets  ", "xtask down"]
    {
        assert!(up.stderr.contains(part), "{part:?} is missing in {}", up.stderr);
    }
    assert!(!up.stderr.contains("Ctrl-C"), "{}", up.stderr);
    assert_eq!(up.ok(), "");

    let found = status(&home);
    let [environment] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&environment["name"], &environment["detached"]), (&json!("kwok"), &json!(true)));
    for field in
        ["since", "api_url", "otlp_url", "kubelets_url", "process_bytes", "series", "refused_samples"]
    {
        assert!(!environment[field].is_null(), "{field} is missing in {environment}");
    }
    let table = run(&home, &["status"]).ok();
    for part in ["in the background", "2 nodes, 8 pods", "none refused", "since", "series"] {
        assert!(table.contains(part), "{part:?} is missing in {table}");
    }
    assert!(run(&home, &["logs"]).ok().contains("history: "));
    assert_eq!(run(&home, &["logs", "--lines", "2"]).ok().lines().count(), 2);

    let deployments = run(&home, &["query", "k8s_deployment_desired"]).ok();
    let row: Vec<&str> = deployments.lines().nth(1).unwrap().split_whitespace().collect();
    let (name, replicas) = (row[2], row[4].parse::<u32>().unwrap());
    let provoked = run(&home, &["sim", "scale", name, "--replicas", "7", "--for", "10m"]).ok();
    assert!(provoked.contains("visible at the scrape of "), "{provoked}");
    let (query, undo) = (command_in(&provoked, "query"), command_in(&provoked, "sim"));
    let (query, undo): (Vec<&str>, Vec<&str>) =
        (query.iter().map(String::as_str).collect(), undo.iter().map(String::as_str).collect());
    until(" 7\n", || run(&home, &query).ok());
    for shown in [run(&home, &["sim", "list"]).ok(), run(&home, &["status"]).ok()] {
        assert!(shown.contains("scale") && shown.contains(name) && shown.contains("replicas 7"), "{shown}");
    }
    let listed: Value = serde_json::from_str(&run(&home, &["sim", "list", "--format", "json"]).ok()).unwrap();
    assert_eq!((&listed[0]["action"], &listed[0]["replicas"]), (&json!("scale"), &json!(7)));
    assert!(run(&home, &undo).ok().contains("undone: scale"));
    until(&format!(" {replicas}\n"), || run(&home, &query).ok());
    assert_eq!(run(&home, &["sim", "list"]).ok(), "nothing is provoked\n");

    let secret = token(&home);
    let page = get(environment["page_url"].as_str().unwrap()).1;
    let log = run(&home, &["logs"]).ok();
    assert!(log.contains("provoked 1: scale") && log.contains("undone 1: scale"), "{log}");
    for shown in [page, log, table, provoked, format!("{environment}")] {
        assert!(!shown.contains(&secret), "the token is shown in {shown}");
    }

    let mut following = xtask(&home).args(["logs", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let down = run(&home, &["down"]);
    assert!(down.stderr.contains("has ended"), "{}", down.stderr);
    assert_eq!(down.code, Some(0));
    let mut followed = String::new();
    following.stdout.take().unwrap().read_to_string(&mut followed).unwrap();
    assert!(followed.contains("ended by `cargo xtask down`"), "{followed}");
    assert!(following.wait().unwrap().success());
    assert!(agent().get(environment["api_url"].as_str().unwrap()).call().is_err(), "the API still answers");

    let down = run(&home, &["down"]);
    assert_eq!((down.code, down.stderr.contains("nothing runs")), (Some(0), true), "{}", down.stderr);
    assert_eq!(run(&home, &["status", "--format", "json"]).code, Some(1));
    assert!(status(&home).is_empty());
    assert!(run(&home, &["sim", "list"]).failed(1).contains("nothing runs"));
    assert!(run(&home, &["logs"]).ok().contains("nothing is left running"));
}

#[test]
fn a_second_start_shows_the_first_or_is_refused_or_has_a_name_of_its_own() {
    let home = Home::new("second");
    let _end = EndAll(&home);
    assert!(run(&home, &["logs"]).failed(1).contains("kwok --detach"));
    detach(&home, &SMALL).ok();
    let page = status(&home)[0]["page_url"].as_str().unwrap().to_owned();
    for background in [true, false] {
        let second: &[&str] = if background { &["kwok", "--detach"] } else { &["kwok"] };
        let same = run(&home, &[second, &ANY_PORTS, &SMALL].concat());
        assert!(same.stderr.contains("runs already") && same.stderr.contains(&page), "{}", same.stderr);
        assert_eq!(same.code, Some(0));
        let other = run(&home, &[second, &ANY_PORTS, &SMALL, &["--seed", "9", "--clusters", "2"]].concat());
        let error = other.failed(1);
        for part in ["runs already", &page, "with other --clusters --seed:", "xtask down", "--name"] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
    }
    assert_eq!(status(&home).len(), 1);

    let second = detach(&home, &[&SMALL[..], &["--name", "second", "--cluster-name", "other"]].concat());
    let proposed = second.stderr.lines().find(|line| line.contains("try: "));
    assert!(proposed.is_some_and(|line| line.ends_with(" --name second")), "{}", second.stderr);
    second.ok();
    let both = run(&home, &["status"]).ok();
    assert!(both.contains("kwok: embedded") && both.contains("second: embedded"), "{both}");
    let cluster = |arguments: &[&str]| {
        run(&home, &[&["query", "count by (k8s_cluster_name) (k8s_pod_phase)"], arguments].concat()).ok()
    };
    assert!(cluster(&[]).contains("kwok ") && cluster(&["--name", "kwok"]).contains("kwok "));
    assert!(cluster(&["--name", "second"]).contains("other "));
    let down = run(&home, &["down"]);
    assert!(down.stderr.contains("second still runs: `cargo xtask down --name second`"), "{}", down.stderr);
    assert!(cluster(&[]).contains("other "), "the only one that runs is meant");
    assert!(run(&home, &["query", "1", "--name", "third"]).failed(2).contains("third"));
    run(&home, &["down", "--name", "second"]).ok();
    assert!(status(&home).is_empty());
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing_running() {
    let home = Home::new("failed");
    let _end = EndAll(&home);
    let file = |name: &str, text: &str| {
        let path = home.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let unreadable = file("unreadable.yaml", "- {at: 5m, action: explode, target: x}\n");
    let astray = file("astray.yaml", "- {at: 5m, action: node-down, target: nowhere}\n");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().port().to_string();
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["--nodes", "0"], 2, &["node"]),
        (&["--fleet", "no/such/folder"], 2, &["no/such/folder"]),
        (&["--scenario", "no/such/file"], 2, &["no/such/file"]),
        (&["--scenario", &unreadable], 2, &["unreadable.yaml:1:", "explode"]),
        (&["--scenario", &astray], 2, &["astray.yaml:1:", "nowhere"]),
        (&["--nodes", "1", "--pods", "111"], 2, &["--pods", "111"]),
    ];
    for (arguments, code, parts) in cases {
        let error = detach(&home, arguments).failed(*code);
        for part in *parts {
            assert!(error.contains(part), "{part:?} is missing for {arguments:?}:\n{error}");
        }
        assert!(status(&home).is_empty(), "{arguments:?}");
    }
    let ports =
        ["kwok", "--detach", "--web-port", "0", "--otlp-port", "0", "--stats-port", "0", "--api-port"];
    let error = run(&home, &[&ports[..], &[&taken]].concat()).failed(1);
    assert!(error.contains(&taken) && error.contains("--api-port"), "{error}");
    assert!(status(&home).is_empty());
    detach(&home, &SMALL).ok();
}

#[test]
fn a_crashed_environment_and_a_strangers_address_do_no_harm() {
    let (home, other) = (Home::new("crashed"), Home::new("stranger"));
    let (_end, _end_other) = (EndAll(&home), EndAll(&other));
    detach(&home, &SMALL).ok();
    let pid = status(&home)[0]["pid"].to_string();
    let state = std::fs::read_to_string(state_file(&home)).unwrap();

    // A state file that names a process and an address which belong to another environment.
    std::fs::create_dir_all(state_file(&home).parent().unwrap()).unwrap();
    let elsewhere = other.0.join(state_file(&home).strip_prefix(&home.0).unwrap());
    std::fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    let mut stolen: Value = serde_json::from_str(&state).unwrap();
    stolen["instance"] = json!("another");
    std::fs::write(&elsewhere, stolen.to_string()).unwrap();
    assert!(run(&other, &["down"]).stderr.contains("nothing runs"));
    assert!(!elsewhere.exists(), "the stale file is still there");
    assert_eq!(status(&home).len(), 1, "another environment was ended");

    #[cfg(unix)]
    {
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        until("nothing runs", || run(&home, &["status"]).stderr);
        assert!(run(&home, &["down"]).stderr.contains("nothing runs"));
        std::fs::write(elsewhere, state).unwrap();
        assert!(run(&other, &["query", PODS]).ok().contains("200"), "it was asked in memory");
        detach(&home, &SMALL).ok();
    }
    #[cfg(not(unix))]
    drop((pid, state, Command::new("true")));
}

/// A process that stands still, until this is dropped.
#[cfg(unix)]
struct Stopped(String);

#[cfg(unix)]
impl Stopped {
    fn new(pid: String) -> Self {
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        Self(pid)
    }
}

#[cfg(unix)]
impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-CONT", &self.0]).status();
    }
}

#[cfg(unix)]
#[test]
fn of_an_environment_that_hangs_every_command_names_the_process_to_end() {
    let home = Home::new("hangs");
    let _end = EndAll(&home);
    detach(&home, &SMALL).ok();
    let pid = status(&home)[0]["pid"].to_string();
    let stopped = Stopped::new(pid.clone());
    for command in ["status", "kwok", "down"] {
        let error = run(&home, &[command]).failed(1);
        assert!(error.contains(&format!("end process {pid} yourself")), "{command}: {error}");
        assert!(!error.contains("xtask down"), "{command}: {error}");
    }
    drop(stopped);
    run(&home, &["down"]).ok();
    assert!(status(&home).is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_it_comes_up_in_the_background_leaves_nothing_running() {
    let home = Home::new("interrupted");
    let _end = EndAll(&home);
    let arguments =
        [&["kwok", "--detach"], &ANY_PORTS[..], &["--nodes", "50", "--pods", "2000", "--backfill", "2d"]];
    for (signal, words) in [("-INT", "nothing is left running"), ("-KILL", "")] {
        let mut starting = xtask(&home)
            .args(arguments.concat())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stderr = std::io::BufReader::new(starting.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ports") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut stderr, &mut line).unwrap() > 0, "it ended too early");
        }
        assert!(Command::new("kill").args([signal, &starting.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert!(!starting.wait().unwrap().success());
        assert!(rest.contains(words), "{rest}");
        if signal == "-INT" {
            assert!(run(&home, &["status"]).stderr.contains("nothing runs"));
        }
    }
    // Nobody waits for the second one any more, so it ends.
    until("nothing runs", || run(&home, &["status"]).stderr);
}

#[test]
fn what_changes_an_environment_needs_its_token_and_no_foreign_page_gets_through() {
    let home = Home::new("token");
    let environment = Environment::start(&home, &SMALL);
    assert!(run(&home, &["logs"]).failed(1).contains("runs in a terminal"));
    let right = format!("Bearer {}", token(&home));
    let wrong = format!("Bearer {}", "0".repeat(64));
    let crash = r#"{"action":"crash","target":"nowhere"}"#;
    let large = " ".repeat(20 << 10);
    let json = ("Content-Type", "application/json");
    let own = ("Authorization", right.as_str());
    let cases: &[(&str, Headers<'_>, &str, u16, &str)] = &[
        ("/api/sim", &[json], crash, 401, "Authorization: Bearer"),
        ("/api/sim", &[json, ("Authorization", &wrong)], crash, 401, "not the one"),
        ("/api/sim", &[json, ("Authorization", "Basic eDp5")], crash, 401, "Bearer TOKEN"),
        ("/api/sim/undo", &[json], "{}", 401, "token"),
        ("/api/shutdown", &[], "", 401, "state file"),
        ("/api/shutdown", &[own, ("Host", "evil.example")], "", 403, "evil.example"),
        ("/api/shutdown", &[own, ("Origin", "http://evil.example")], "", 403, "evil.example"),
        ("/api/shutdown", &[own, ("Sec-Fetch-Site", "cross-site")], "", 403, "another site"),
        ("/api/sim", &[own, ("Content-Type", "text/plain")], crash, 415, "application/json"),
        ("/api/sim", &[own], crash, 415, "application/json"),
        ("/api/sim", &[own, json], &large, 413, "16 KiB"),
        ("/api/sim", &[own, json], "{", 400, "line 1 column 1"),
        ("/api/sim", &[own, json], r#"{"action":"explode","target":"x"}"#, 400, "explode"),
        ("/api/sim", &[own, json], crash, 404, "nowhere"),
        ("/api/sim", &[own, json], r#"{"action":"crash","target":"x","to":9}"#, 400, "\"to\""),
        ("/api/sim/undo", &[own, json], "{}", 400, "{\"all\": true}"),
        ("/api/sim/undo", &[own, json], r#"{"Id":7}"#, 400, "\"Id\""),
        ("/api/sim/undo", &[own, json], r#"{"id":7,"all":true}"#, 400, "{\"all\": true}"),
        ("/api/sim/undo", &[own, json], r#"{"id":7}"#, 404, "7"),
        ("/api/sim/undo", &[own, json], r#"{"id":7,"cluster":"mars"}"#, 404, "mars"),
    ];
    for (path, headers, body, code, part) in cases {
        let mut request = agent().post(format!("{}{path}", environment.page));
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body.as_bytes()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), *code, "{path} {headers:?}: {text}");
        assert!(text.contains(part) && text.ends_with('\n'), "{path} {headers:?}: {text:?}");
    }
    let answer = agent().get(format!("{}/api/sim", environment.page)).header("Authorization", &right).call();
    assert_eq!(answer.unwrap().status().as_u16(), 405);

    for url in [&environment.api, &environment.otlp, &environment.kubelets, &environment.page] {
        for (header, value) in [("Host", "evil.example"), ("Origin", "http://evil.example")] {
            let got = agent().get(url).header(header, value).call().unwrap().status().as_u16();
            let posted = agent().post(url).header(header, value).send("{}").unwrap().status().as_u16();
            assert_eq!((got, posted), (403, 403), "{url} {header}");
        }
    }
    let now = &status(&home)[0];
    assert_eq!((&now["provocations"], &now["pods"]), (&json!([]), &json!(8)), "something was changed");
}

#[test]
fn what_cannot_be_provoked_is_refused_and_the_environment_is_unharmed() {
    let home = Home::new("provoke");
    let _end = EndAll(&home);
    let up = detach(&home, &[&SMALL[..], &["--clusters", "2"]].concat());
    assert!(up.stderr.contains("2 clusters of 2 nodes, 8 pods"), "{}", up.stderr);
    up.ok();
    let nodes = run(&home, &["query", "k8s_node_condition_ready{k8s_cluster_name='kwok-2'}"]).ok();
    let node = nodes.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap().to_owned();
    let down = run(&home, &["sim", "node-down", &node, "--cluster", "kwok-2"]).ok();
    assert!(
        down.contains("k8s_cluster_name=\"kwok-2\"") && down.contains("undo 1 --cluster kwok-2"),
        "{down}"
    );
    let query: Vec<String> = command_in(&down, "query");
    until(" -1\n", || run(&home, &[&query[0], &query[1]]).ok());
    let cases: &[(&[&str], &[&str])] = &[
        (&["node-down", &node, "--cluster", "kwok-2"], &["already", "sim undo 1 --cluster kwok-2"]),
        (&["list", "--cluster", "mars"], &["mars", "kwok-1, kwok-2"]),
        (&["crash", &node], &[&node]),
        (&["crash", "nowhere"], &["nowhere"]),
        (&["crash", "a/b/c/d"], &["a/b/c/d"]),
        (&["crash", ""], &["no "]),
        (&["crash", "x", "--cluster", "mars"], &["mars", "kwok-1, kwok-2"]),
        (&["crash", "x", "--for", "soon"], &["--for", "1h30m"]),
        (&["crash", "x", "--for", "0s"], &["--for"]),
        (&["scale", "x"], &["--replicas"]),
        (&["scale", "x", "--replicas", "-1"], &["-1", "--replicas", "0.."]),
        (&["spike", "x", "--cpu", "lots"], &["--cpu", "lots"]),
        (&["fill-volume", "x", "--to", "300"], &["--to"]),
        (&["explode", "x"], &["explode"]),
        (&["undo"], &["ID"]),
        (&["undo", "1"], &["no provocation 1", "in kwok-1"]),
        (&["undo", "x"], &["x"]),
        (&["undo", "1", "--all"], &["--all"]),
    ];
    for (arguments, parts) in cases {
        let error = run(&home, &[&["sim"], *arguments].concat()).failed(2);
        for part in *parts {
            assert!(error.contains(part), "{part:?} is missing for {arguments:?}:\n{error}");
        }
    }
    assert_eq!(status(&home)[0]["provocations"].as_array().unwrap().len(), 1);
    assert!(run(&home, &["sim", "list"]).ok().contains("until undone"));
    let undone = run(&home, &["sim", "undo", "--all"]).ok();
    assert!(undone.contains("undone: node-down") && undone.contains("(1 --cluster kwok-2)"), "{undone}");
    until(" 1\n", || run(&home, &[&query[0], &query[1]]).ok());
}

#[test]
fn a_scenario_happens_at_its_times() {
    let home = Home::new("scenario");
    let first = Environment::start(&home, &SMALL);
    let desired = first.query("k8s_deployment_desired")["data"]["result"][0].clone();
    drop(first);
    let (name, replicas) = (&desired["metric"]["k8s_deployment_name"], &desired["value"][1]);
    let file = home.0.join("scenario.yaml");
    let mut scenario = std::fs::File::create(&file).unwrap();
    writeln!(
        scenario,
        "- {{at: -30s, action: scale, target: {}, replicas: 9, for: 1h}}",
        name.as_str().unwrap()
    )
    .unwrap();
    let file = file.display().to_string();
    let environment = Environment::start(&home, &[&SMALL[..], &["--scenario", &file]].concat());
    for (offset, wanted) in [("45s", replicas), ("5s", &json!("9"))] {
        let query = format!("k8s_deployment_desired{{k8s_deployment_name={name}}} offset {offset}");
        assert_eq!(environment.query(&query)["data"]["result"][0]["value"][1], *wanted, "{offset}");
    }
    assert!(run(&home, &["sim", "list"]).ok().contains("scale"));
}

/// The values that a query has now, from the lowest to the highest.
fn values(environment: &Environment, query: &str) -> Vec<f64> {
    let answer = environment.query(query);
    let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
    let mut values: Vec<f64> =
        series.iter().map(|series| series["value"][1].as_str().unwrap().parse().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The values of a label among the series of a query.
fn names(environment: &Environment, query: &str, label: &str) -> Vec<String> {
    let answer = environment.query(query);
    let series = answer["data"]["result"].as_array().unwrap();
    series.iter().filter_map(|series| Some(series["metric"][label].as_str()?.to_owned())).collect()
}

#[test]
fn every_provocation_is_seen_by_the_query_that_it_tells_and_is_gone_when_undone() {
    let home = Home::new("every");
    let environment = Environment::start(&home, &["--backfill", "1m", "--interval", "1s"]);
    let mut deployments = names(
        &environment,
        "group by (k8s_deployment_name) (k8s_container_memory_limit_bytes{k8s_deployment_name!=''}) unless \
         group by (k8s_deployment_name) (k8s_container_ready == 0)",
        "k8s_deployment_name",
    );
    let mut deployment =
        || format!("deployment/{}", deployments.pop().expect("the fleet has few Deployments"));
    let spiked = names(&environment, "k8s_pod_cpu_usage{k8s_daemonset_name!=''}", "k8s_pod_name").remove(0);
    let claim = names(
        &environment,
        "k8s_volume_available_bytes{k8s_persistentvolumeclaim_name!=''} / k8s_volume_capacity_bytes > 0.1",
        "k8s_persistentvolumeclaim_name",
    );
    let node = names(&environment, "k8s_node_condition_ready == 1", "k8s_node_name").remove(0);
    let workload = |kind: &str, query: &str, label: &str| {
        let name = names(&environment, query, label);
        format!("{kind}/{}", name.first().unwrap_or_else(|| panic!("the fleet has no {kind}")))
    };
    let replica_set = workload(
        "replicaset",
        "k8s_replicaset_desired * on (k8s_replicaset_name) group_left () group by (k8s_replicaset_name) \
         (k8s_pod_phase{k8s_replicaset_name!='',k8s_deployment_name=''})",
        "k8s_replicaset_name",
    );
    let controller = workload("rc", "k8s_replication_controller_desired", "k8s_replicationcontroller_name");
    let stateful_set = workload(
        "statefulset",
        "k8s_statefulset_updated_pods == k8s_statefulset_desired_pods",
        "k8s_statefulset_name",
    );

    type Seen = fn(&[f64], &[f64]) -> bool;
    let cases: Vec<(Vec<String>, Seen, bool)> = vec![
        (vec!["node-down".into(), node], |_, now| now == [-1.0], true),
        (vec!["crash".into(), deployment()], |_, now| now.contains(&0.0), true),
        (vec!["oom".into(), deployment()], |before, now| now.last() > before.last(), false),
        (
            vec!["spike".into(), spiked, "--cpu".into(), "x9".into()],
            |before, now| now[0] > 2.0 * before[0],
            false,
        ),
        (vec!["fill-volume".into(), format!("pvc/{}", claim[0])], |_, now| now[0] < 0.05, true),
        (vec!["scale".into(), deployment(), "--replicas".into(), "9".into()], |_, now| now == [9.0], true),
        (vec!["scale".into(), replica_set, "--replicas".into(), "9".into()], |_, now| now == [9.0], true),
        (vec!["scale".into(), controller, "--replicas".into(), "9".into()], |_, now| now == [9.0], true),
        (vec!["rollout".into(), deployment()], |before, now| before.len() != now.len(), false),
        (vec!["rollout".into(), stateful_set], |before, now| now[0] < before[0], false),
    ];
    let mut open = Vec::new();
    for (arguments, seen, comes_back) in &cases {
        let mut command = vec!["sim"];
        command.extend(arguments.iter().map(String::as_str));
        // The query is known only afterwards: the scrape before the provocation tells what was.
        let told = run(&home, &command).ok();
        let query = command_in(&told, "query").remove(1);
        let before = values(&environment, &format!("last_over_time(({query})[10s:1s] offset 3s)"));
        open.push((arguments, query, before, seen, *comes_back));
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    // The latest first: a StatefulSet is soon up to date again.
    for (arguments, query, before, seen, _) in open.iter().rev() {
        loop {
            let now = values(&environment, query);
            if !now.is_empty() && seen(before, &now) {
                break;
            }
            assert!(Instant::now() < deadline, "{arguments:?}: {query}: {before:?} and now {now:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    let undone = run(&home, &["sim", "undo", "--all"]).ok();
    assert_eq!(undone.matches("undone: ").count(), cases.len(), "{undone}");
    for (arguments, query, before, seen, comes_back) in &open {
        while *comes_back && seen(before, &values(&environment, query)) {
            assert!(Instant::now() < deadline, "{arguments:?}: {query}: {:?}", values(&environment, query));
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn a_rollout_of_a_daemon_set_is_seen_by_the_query_that_it_tells() {
    let home = Home::new("daemon-set");
    // So few nodes that one of its pods is replaced at once.
    let environment =
        Environment::start(&home, &["--nodes", "4", "--pods", "60", "--backfill", "1m", "--interval", "1s"]);
    let set = names(&environment, "k8s_daemonset_ready_nodes == 1", "k8s_daemonset_name")
        .pop()
        .expect("none is so small");
    let told = run(&home, &["sim", "rollout", &format!("ds/{set}")]).ok();
    let query = command_in(&told, "query").remove(1);
    let deadline = Instant::now() + Duration::from_secs(60);
    while values(&environment, &query)[0] > 60.0 {
        assert!(Instant::now() < deadline, "{query}: {:?}", values(&environment, &query));
        std::thread::sleep(Duration::from_millis(200));
    }
}
