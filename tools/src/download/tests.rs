use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::server::{Server, respond};
use super::*;

/// Larger than any buffer on the way.
fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn hurried() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(300),
        tries: 3,
        pause: Duration::from_millis(1),
        other: Duration::from_secs(5),
    }
}

fn downloader() -> Downloader {
    Downloader::with(false, hurried())
}

/// A folder that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir()
            .join(format!("kubernetes-mixin-otel-download-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn target(&self) -> PathBuf {
        self.0.join("below").join("tool")
    }

    fn part(&self) -> PathBuf {
        self.0.join("below").join("tool.part")
    }

    fn leave_part(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.part().parent().unwrap()).unwrap();
        std::fs::write(self.part(), bytes).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("below")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn file(server: &Server, content: &[u8]) -> PinnedFile {
    PinnedFile {
        place: ["tools", "tool", "downloads", "linux-amd64"].map(str::to_owned).to_vec(),
        url: format!("{}/tool", server.url),
        sha256: Some(Sha256Sum::of(content)),
    }
}

fn save(file: &PinnedFile, target: &Path) -> Result<(), DownloadError> {
    downloader().save(file, target, &mut |_, _| {})
}

#[test]
fn a_whole_file_arrives_and_progress_is_told() {
    let (scratch, content) = (Scratch::new("whole"), content());
    let server = Server::with_files(&[("/tool", &content)]);
    let mut last = (0, None);
    downloader()
        .save(&file(&server, &content), &scratch.target(), &mut |done, all| last = (done, all))
        .unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
    assert_eq!(last, (content.len() as u64, Some(content.len() as u64)));
    assert_eq!(scratch.files(), ["tool"]);
    // What is there is not asked for again.
    save(&file(&server, &content), &scratch.target()).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_download_goes_on_where_an_earlier_run_ended() {
    let (scratch, content) = (Scratch::new("resumed"), content());
    let server = Server::with_files(&[("/tool", &content)]);
    scratch.leave_part(&content[..300_000]);
    save(&file(&server, &content), &scratch.target()).unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
    assert_eq!(server.requests()[0].from(), Some(300_000));
}

#[test]
fn a_server_that_cannot_go_on_in_the_middle_gives_all_of_it() {
    let (scratch, content) = (Scratch::new("no-range"), content());
    let whole = content.clone();
    let server = Server::start(move |_, stream| respond(stream, "200 OK", &[], &whole));
    scratch.leave_part(&content[..300_000]);
    save(&file(&server, &content), &scratch.target()).unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
}

#[test]
fn what_an_earlier_run_left_and_was_not_of_this_file_is_dropped() {
    for (name, left) in [("other", vec![7; 1_000]), ("longer", vec![7; 5_000_000])] {
        let (scratch, content) = (Scratch::new(name), content());
        let server = Server::with_files(&[("/tool", &content)]);
        scratch.leave_part(&left);
        save(&file(&server, &content), &scratch.target()).unwrap();
        assert_eq!(std::fs::read(scratch.target()).unwrap(), content, "{name}");
    }
}

#[test]
fn what_was_complete_already_is_not_asked_for() {
    let (scratch, content) = (Scratch::new("complete"), content());
    let server = Server::with_files(&[("/tool", &content)]);
    scratch.leave_part(&content);
    save(&file(&server, &content), &scratch.target()).unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_wrong_hash_is_refused_and_the_file_removed() {
    let (scratch, content) = (Scratch::new("wrong"), content());
    let server = Server::with_files(&[("/tool", b"something else")]);
    let error = save(&file(&server, &content), &scratch.target()).unwrap_err();
    assert!(matches!(error, DownloadError::Mismatch { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.contains(&Sha256Sum::of(&content).to_string()) && told.contains("nothing was run"),
        "{told}"
    );
    assert_eq!(scratch.files(), [""; 0]);
    assert_eq!(server.requests().len(), 1, "a wrong file is not asked for again");
}

#[test]
fn an_answer_that_is_cut_off_is_gone_on_with() {
    let (scratch, content) = (Scratch::new("cut"), content());
    let whole = content.clone();
    let server = Server::start(move |request, stream| match request.from() {
        // Promises all and ends early.
        None => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", whole.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&whole[..100_000]));
        }
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
            respond(stream, "206 Partial Content", &[("Content-Range", &range)], &whole[from..]);
        }
    });
    save(&file(&server, &content), &scratch.target()).unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
    let asked: Vec<_> = server.requests().iter().map(server::Request::from).collect();
    assert_eq!(asked, [None, Some(100_000)]);
}

#[test]
fn an_answer_that_is_always_cut_off_is_an_error_and_what_arrived_stays_for_the_next_run() {
    let (scratch, content) = (Scratch::new("always-cut"), content());
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
    });
    let error = save(&file(&server, &content), &scratch.target()).unwrap_err();
    assert!(matches!(error, DownloadError::Network { tries: 3, .. }), "{error}");
    assert_eq!(scratch.files(), ["tool.part"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_file_that_is_not_there_is_an_error_at_once() {
    let scratch = Scratch::new("absent");
    let server = Server::with_files(&[]);
    let error = save(&file(&server, b"x"), &scratch.target()).unwrap_err();
    assert!(matches!(error, DownloadError::Status { status: 404, .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let (scratch, asked) = (Scratch::new("trouble"), AtomicUsize::new(0));
    let server = Server::start(move |_, stream| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => respond(stream, "503 Service Unavailable", &[], b""),
        1 => {} // hangs up
        _ => respond(stream, "200 OK", &[], b"tool"),
    });
    save(&file(&server, b"tool"), &scratch.target()).unwrap();
    assert_eq!(std::fs::read(scratch.target()).unwrap(), b"tool");
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let scratch = Scratch::new("silent");
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
        thread::sleep(Duration::from_secs(20));
    });
    let started = Instant::now();
    let error = save(&file(&server, b"x"), &scratch.target()).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(15), "it was waited for");
    assert!(matches!(error, DownloadError::Network { .. }), "{error}");
}

#[test]
fn a_slow_download_that_goes_on_is_not_given_up() {
    let scratch = Scratch::new("slow");
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n");
        for byte in b"slowtool" {
            let _ = stream.write_all(&[*byte]);
            thread::sleep(Duration::from_millis(100));
        }
    });
    save(&file(&server, b"slowtool"), &scratch.target()).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_such() {
    let scratch = Scratch::new("full");
    std::fs::create_dir_all(scratch.part().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", scratch.part()).unwrap();
    let server = Server::with_files(&[("/tool", b"tool")]);
    let error = save(&file(&server, b"tool"), &scratch.target()).unwrap_err();
    assert!(matches!(error, DownloadError::Disk { .. }), "{error}");
    assert!(error.to_string().contains("Free some space"), "{error}");
    assert!(!scratch.target().exists());
}

#[test]
fn without_a_hash_offline_or_without_tls_nobody_is_asked() {
    let scratch = Scratch::new("refused");
    let server = Server::with_files(&[("/tool", b"tool")]);
    let unknown = PinnedFile { sha256: None, ..file(&server, b"tool") };
    let error = save(&unknown, &scratch.target()).unwrap_err();
    assert!(matches!(error, DownloadError::NoHash { .. }), "{error}");
    assert!(
        error.to_string().contains("pins update` fills in tools.tool.downloads.linux-amd64.sha256"),
        "{error}"
    );
    let offline = Downloader::with(true, hurried());
    let error = offline.save(&file(&server, b"tool"), &scratch.target(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Offline { .. }), "{error}");
    assert_eq!(server.requests().len(), 0);
    if cfg!(not(feature = "https")) {
        let secure = PinnedFile { url: "https://tools.example/tool".to_owned(), ..file(&server, b"tool") };
        let error = save(&secure, &scratch.target()).unwrap_err();
        assert!(matches!(error, DownloadError::NeedsHttps { .. }), "{error}");
        assert!(error.to_string().contains("--features https"), "{error}");
    }
}

#[test]
fn an_address_is_followed_where_it_leads() {
    let scratch = Scratch::new("moved");
    let storage = Server::with_files(&[("/storage", b"tool")]);
    let to = format!("{}/storage", storage.url);
    let server = Server::start(move |_, stream| respond(stream, "302 Found", &[("Location", &to)], b""));
    save(&file(&server, b"tool"), &scratch.target()).unwrap();
    assert_eq!(storage.requests().len(), 1);
}

#[test]
fn a_host_that_does_not_answer_is_not_asked_for_its_next_file() {
    let scratch = Scratch::new("host");
    let downloader = downloader();
    let gone = |path: &str| PinnedFile {
        url: format!("http://127.0.0.1:1/{path}"),
        ..file(&Server::with_files(&[]), b"tool")
    };
    let error = downloader.save(&gone("a"), &scratch.target(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Network { .. }), "{error}");
    let error = downloader.answers(&gone("b").url).unwrap_err();
    assert!(matches!(&error, DownloadError::HostSilent { host, .. } if host == "127.0.0.1:1"), "{error}");
}

#[test]
fn several_at_once_download_a_file_once() {
    let (scratch, content) = (Scratch::new("several"), content());
    let server = Server::with_files(&[("/tool", &content)]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| save(&file(&server, &content), &scratch.target()).unwrap());
        }
    });
    assert_eq!(std::fs::read(scratch.target()).unwrap(), content);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn hash_and_size_are_found_without_keeping_anything() {
    let content = content();
    let server = Server::with_files(&[("/tool", &content)]);
    let url = format!("{}/tool", server.url);
    let found = downloader().hash(&url, &mut |_, _| {}).unwrap();
    assert_eq!(found, (Sha256Sum::of(&content), content.len() as u64));
    assert_eq!(downloader().answers(&url).unwrap(), Some(content.len() as u64));
    assert!(downloader().answers(&format!("{}/other", server.url)).is_err());
}
