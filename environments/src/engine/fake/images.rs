//! Images.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Shared;
use super::server::{Answer, Asked, lines, ok, refused};
use super::world::{FakeImage, World};

pub(super) fn answer(asked: &Asked, parts: &[&str], shared: &Arc<Shared>) -> Answer {
    let mut world = shared.world.lock().unwrap();
    match (&*asked.method, parts) {
        ("GET", [_, "json"]) => ok(&list(&world)),
        ("GET", [_, name @ .., "json"]) => {
            let name = name.join("/");
            match world.image(&name) {
                Some((tag, image)) => ok(&json!({
                    "Id": image.id, "RepoTags": [tag], "Architecture": "amd64", "Os": "linux",
                    "Config": { "Labels": image.labels },
                })),
                None => no_such(&name),
            }
        }
        ("POST", [_, "create"]) => pull(&mut world, asked.query("fromImage")),
        ("POST", [_, "load"]) => match load(&mut world, &asked.body) {
            Some(name) => lines(&[json!({ "stream": format!("Loaded image: {name}\n") })]),
            None => refused(500, "Error processing tar file(exit status 1): archive/tar: invalid tar header"),
        },
        ("DELETE", [_, name @ ..]) => {
            let name = name.join("/");
            let Some(tag) = world.image(&name).map(|(tag, _)| tag.clone()) else { return no_such(&name) };
            world.images.remove(&tag);
            ok(&json!([{ "Deleted": name }]))
        }
        _ => refused(404, "page not found"),
    }
}

fn no_such(name: &str) -> Answer {
    refused(404, &format!("No such image: {name}"))
}

fn list(world: &World) -> Value {
    let images = world.images.iter();
    images.map(|(tag, image)| json!({ "Id": image.id, "RepoTags": [tag], "RepoDigests": [] })).collect()
}

fn pull(world: &mut World, name: &str) -> Answer {
    let Some(layers) = world.registry.get(name).cloned() else {
        return refused(404, &format!("manifest for {name} not found: manifest unknown: manifest unknown"));
    };
    let mut told = vec![json!({ "status": format!("Pulling from {name}"), "id": "latest" })];
    for (number, bytes) in layers.iter().enumerate() {
        let id = format!("layer{number}");
        let detail = |current: u64| json!({ "current": current, "total": bytes });
        told.push(json!({ "status": "Pulling fs layer", "progressDetail": {}, "id": id }));
        told.push(json!({ "status": "Downloading", "progressDetail": detail(bytes / 2), "id": id }));
        told.push(json!({ "status": "Pull complete", "progressDetail": {}, "id": id }));
    }
    told.push(json!({ "status": format!("Status: Downloaded newer image for {name}") }));
    world.add_image(name);
    lines(&told)
}

/// Takes an archive in, as `docker save` writes it.
fn load(world: &mut World, bytes: &[u8]) -> Option<String> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path().ok()?.display().to_string();
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).ok()?;
        files.insert(path, contents);
    }
    let manifest: Value = serde_json::from_slice(files.get("manifest.json")?).ok()?;
    let config_path = manifest[0]["Config"].as_str()?;
    let config: Value = serde_json::from_slice(files.get(config_path)?).ok()?;
    let name = manifest[0]["RepoTags"][0].as_str()?.to_owned();
    let labels = serde_json::from_value(config["config"]["Labels"].clone()).unwrap_or_default();
    let id = format!("sha256:{}", config_path.trim_end_matches(".json"));
    world.images.insert(name.clone(), FakeImage { id, labels });
    Some(name)
}
