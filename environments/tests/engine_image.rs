//! The image of the stats-proxy, from a build by cargo to an engine: with programs and an engine that exist in tests only.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails with them")]

use std::path::PathBuf;
use std::sync::Arc;

use environments::engine::fake::{FakeEngine, Program};
use environments::engine::{ContainerSpec, NetworkMode};
use environments::image::{self, StatsProxyImage};
use environments::plan::{Progress, Silent, State};
use tools::{FakeProcesses, Finished};

const BUILDER: &str = "rust:1.89-slim";
const BUILD_CONTAINER: &str = "kubernetes-mixin-otel-build";

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kmo-image-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The least that counts as a program for this machine, of some content.
fn program(content: &str) -> Vec<u8> {
    let mut program = scratch_image::example_program();
    if std::env::consts::ARCH == "aarch64" {
        program[18..20].copy_from_slice(&183_u16.to_le_bytes());
    }
    program.extend(content.as_bytes());
    program
}

fn image(folder: &Folder, processes: FakeProcesses) -> StatsProxyImage {
    StatsProxyImage {
        workspace: PathBuf::from("/project"),
        cache: folder.0.clone(),
        architecture: image::architecture_of_this_machine().unwrap(),
        processes: Arc::new(processes),
    }
}

/// A machine where cargo says that it has built the program of a file.
fn machine(executable: &std::path::Path) -> FakeProcesses {
    let message =
        serde_json::json!({ "target": { "name": "stats-proxy" }, "executable": executable }).to_string();
    let said = Finished { stdout: message.into_bytes(), stderr: Vec::new() };
    // Any folder that is there.
    let libraries = std::env::temp_dir().display().to_string();
    FakeProcesses::default()
        .with("cc", "gcc 12")
        .with("rustc", &libraries)
        .answering("cargo", move |_| Ok(said.clone()))
}

#[tokio::test]
async fn the_image_comes_to_an_engine_once_and_again_only_with_another_program() {
    let (folder, fake) = (Folder::new("brought"), FakeEngine::start());
    let (engine, progress) = (fake.engine(), Progress::new("image", &Silent));
    let executable = folder.0.join("stats-proxy");
    std::fs::write(&executable, program("one")).unwrap();
    let image = image(&folder, machine(&executable));
    let brought = image.bring(&engine, &progress).await.unwrap();
    assert!(brought.changed && brought.words().ends_with("new"), "{brought:?}");
    let labels = fake.with(|world| world.images[image::NAME].labels.clone());
    assert_eq!(labels["kubernetes-mixin-otel.content"], brought.content);

    let before = fake.changes().len();
    let again = image.bring(&engine, &progress).await.unwrap();
    assert!(!again.changed && again.content == brought.content);
    assert_eq!(fake.changes().len(), before, "it was brought again");

    let spec = ContainerSpec::new("default", "stats-proxy", image::NAME, NetworkMode::named("bridge"));
    engine.run(&spec).await.unwrap();
    assert!(matches!(engine.look_container(&spec).await.unwrap(), State::Up(_)));
    std::fs::write(&executable, program("two")).unwrap();
    assert!(image.bring(&engine, &progress).await.unwrap().changed);
    assert_eq!(engine.look_container(&spec).await.unwrap(), State::Different("its image".to_owned()));
}

#[tokio::test]
async fn equal_programs_are_equal_archives_and_a_dynamic_one_is_refused() {
    let folder = Folder::new("archive");
    let progress = Progress::new("image", &Silent);
    let executable = folder.0.join("stats-proxy");
    std::fs::write(&executable, program("one")).unwrap();
    let image = image(&folder, machine(&executable));
    let (one, other) = (
        image.build_archive(None, &progress).await.unwrap(),
        image.build_archive(None, &progress).await.unwrap(),
    );
    assert_eq!(one, other);
    std::fs::write(&executable, b"#!/bin/sh").unwrap();
    let error = image.build_archive(None, &progress).await.unwrap_err().to_string();
    assert!(error.contains("is not a 64-bit ELF program"), "{error}");
}

#[tokio::test]
async fn where_nothing_can_link_it_the_program_is_built_in_a_container() {
    let (folder, fake) = (Folder::new("container"), FakeEngine::start());
    let (engine, progress) = (fake.engine(), Progress::new("image", &Silent));
    let image = image(&folder, FakeProcesses::default());
    let alone = image.build_archive(None, &progress).await.unwrap_err().to_string();
    assert!(alone.contains("there is no C compiler") && alone.contains("without an engine"), "{alone}");

    // What the container would leave in the folder that is kept.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let built = folder.0.join("stats-proxy-image/target").join(target).join("image");
    std::fs::create_dir_all(&built).unwrap();
    std::fs::write(built.join("stats-proxy"), program("in a container")).unwrap();
    let ends = |said: &str, code| Program::Ends(said.to_owned(), code);
    fake.with(|world| {
        world.add_to_registry(BUILDER, &[300_000_000]);
        world.programs.insert(BUILD_CONTAINER.to_owned(), ends("   Compiling stats-proxy\n", 0));
    });
    assert!(image.bring(&engine, &progress).await.unwrap().changed);
    assert!(fake.with(|world| world.containers.is_empty()), "the container stayed");

    fake.with(|world| {
        world.programs.insert(BUILD_CONTAINER.to_owned(), ends("error: could not compile\n", 101))
    });
    let error = image.bring(&engine, &progress).await.unwrap_err();
    let told = format!("{error:#}");
    assert!(
        told.contains("failed to build the stats-proxy in a container, as there is no C compiler"),
        "{told}"
    );
    assert!(told.contains("it has ended with code 101: error: could not compile"), "{told}");
    assert!(fake.with(|world| world.containers.is_empty()), "the container stayed");
}
