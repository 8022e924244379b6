//! The program of the test's containers: alone in its image, it does what it is asked and says what it sees. Not a part of the test:
//! it is compiled by it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", port] => serve(port),
        ["exit", code] => {
            println!("ending");
            eprintln!("with {code}");
            std::process::exit(code.parse().unwrap());
        }
        ["eat"] => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1_u8; 1 << 20]);
            }
        }
        [] => loop {
            std::thread::park();
        },
        other => panic!("what is {other:?}?"),
    }
}

fn serve(port: &str) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    println!("serving");
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        std::thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(line) = lines.next() else { return };
    let _headers = lines.take_while(|line| !line.is_empty()).count();
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let (verb, what) = path.split_once('/').unwrap_or((&path, ""));
    println!("asked {path}");
    let answer = match verb {
        "file" => file(&format!("/{what}")),
        "write" => match std::fs::write(format!("/{what}"), "written") {
            Ok(()) => "written".to_owned(),
            Err(error) => error.to_string(),
        },
        "resolve" => match (what, 1).to_socket_addrs() {
            Ok(_) => "found".to_owned(),
            Err(error) => error.to_string(),
        },
        "variable" => std::env::var(what).unwrap_or_default(),
        "user" => std::fs::metadata("/proc/self").map(|me| me.uid().to_string()).unwrap(),
        "processes" => {
            let numbers = std::fs::read_dir("/proc").unwrap().flatten();
            numbers
                .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
                .count()
                .to_string()
        }
        // An API server of one node, on which nothing ever happens.
        "api" if what.contains("watch=true") => loop {
            std::thread::park();
        },
        "api" if what.starts_with("v1/nodes") => list(r#"{"metadata":{"name":"node-0","uid":"5f"}}"#),
        "api" => list(""),
        _ => "what?".to_owned(),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    );
}

fn list(items: &str) -> String {
    format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{items}]}}"#)
}

fn file(path: &str) -> String {
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) => return error.to_string(),
    };
    let text = if about.is_dir() { Ok(String::new()) } else { std::fs::read_to_string(path) };
    let text = text.unwrap_or_else(|error| error.to_string());
    format!("{:04o} {}:{} {text}", about.mode() & 0o7777, about.uid(), about.gid())
}
