//! An archive is read back as an engine reads it.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use std::collections::BTreeMap;
use std::io::Read as _;

use scratch_image::{Archive, CONTENT_LABEL, Error, Image, NotStatic, example_program};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn image() -> Image {
    Image {
        name: "kubernetes-mixin-otel/stats-proxy:dev".to_owned(),
        program: example_program(),
        path: "usr/bin/stats-proxy".to_owned(),
        user: 65_532,
        ports: vec![10_250],
        labels: [("a".to_owned(), "b".to_owned())].into(),
    }
}

/// Path, and mode, owner, time and content.
type Entries = BTreeMap<String, (u32, (u64, u64), u64, Vec<u8>)>;

fn entries(tar: &[u8]) -> Entries {
    let mut archive = tar::Archive::new(tar);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let header = entry.header();
        let about =
            (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path, (about.0, (about.1, about.2), about.3, content))
    };
    archive.entries().unwrap().map(read).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The manifest, the configuration and the layer, each found through the one before.
fn read(archive: &Archive) -> (Value, Value, Vec<u8>) {
    let files = entries(&archive.bytes);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"].3).unwrap();
    let config = &files[manifest[0]["Config"].as_str().unwrap()].3;
    assert_eq!(archive.id, format!("sha256:{}", sha256(config)));
    let layer = &files[manifest[0]["Layers"][0].as_str().unwrap()].3;
    let config: Value = serde_json::from_slice(config).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"], json!([format!("sha256:{}", sha256(layer))]));
    (manifest, config, layer.clone())
}

#[test]
fn an_engine_finds_the_program_and_how_to_run_it() {
    let archive = image().archive().unwrap();
    let (manifest, config, layer) = read(&archive);
    assert_eq!(manifest.as_array().unwrap().len(), 1);
    assert_eq!(manifest[0]["RepoTags"], json!(["kubernetes-mixin-otel/stats-proxy:dev"]));
    assert_eq!((&config["architecture"], &config["os"]), (&json!("amd64"), &json!("linux")));
    let expected = json!({
        "User": "65532:65532", "ExposedPorts": {"10250/tcp": {}}, "Entrypoint": ["/usr/bin/stats-proxy"],
        "WorkingDir": "/", "Labels": {"a": "b", CONTENT_LABEL: archive.content}, "StopSignal": "SIGTERM",
    });
    assert_eq!(config["config"], expected);
    assert_eq!(archive.content, format!("sha256:{}", sha256(&example_program())));
    let files = entries(&layer);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["usr/", "usr/bin/", "usr/bin/stats-proxy"]);
    let (mode, owner, time, content) = &files["usr/bin/stats-proxy"];
    assert_eq!((*mode, *owner, *time, content), (0o555, (0, 0), 0, &example_program()));
}

#[test]
fn equal_images_are_equal_archives_and_another_program_is_another_image() {
    let archive = image().archive().unwrap();
    assert_eq!(image().archive().unwrap(), archive);
    let mut program = example_program();
    program.push(0);
    let other = Image { program, ..image() }.archive().unwrap();
    assert_ne!((&other.id, &other.content), (&archive.id, &archive.content));
    let renamed = Image { name: "other:dev".to_owned(), ..image() }.archive().unwrap();
    assert_eq!((&renamed.id, &renamed.content), (&archive.id, &archive.content), "a name is no content");
}

#[test]
fn what_would_not_run_or_would_run_as_root_is_refused() {
    let refusal = |image: Image| image.archive().unwrap_err();
    assert!(matches!(
        refusal(Image { program: b"#!/bin/sh\n".to_vec(), ..image() }),
        Error::Program(NotStatic::NotElf)
    ));
    assert!(matches!(refusal(Image { user: 0, ..image() }), Error::Root));
    assert!(matches!(refusal(Image { name: "Nameless".to_owned(), ..image() }), Error::Name(_)));
    for path in ["", "/bin/x", "bin/../x", "bin//x", "./x"] {
        assert!(matches!(refusal(Image { path: path.to_owned(), ..image() }), Error::Path(_)), "{path}");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
fn a_program_that_needs_libraries_is_refused_with_the_way_out() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let refusal = Image { program, ..image() }.archive().unwrap_err().to_string();
    assert!(refusal.contains("linked dynamically") && refusal.contains("musl"), "{refusal}");
}
