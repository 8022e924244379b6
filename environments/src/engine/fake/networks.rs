//! Networks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Shared;
use super::server::{Answer, Asked, done, json_answer, ok, refused};
use super::world::{FakeNetwork, Status, World};

pub(super) fn answer(asked: &Asked, parts: &[&str], shared: &Arc<Shared>) -> Answer {
    let mut world = shared.world.lock().unwrap();
    match (&*asked.method, parts) {
        ("GET", [_]) => {
            let labels = asked.filter("label");
            let through = |network: &FakeNetwork| {
                labels.iter().all(|label| {
                    let (name, value) = label.split_once('=').unwrap_or((label, ""));
                    network.labels.get(name).is_some_and(|own| value.is_empty() || own == value)
                })
            };
            let listed: Value = world
                .networks
                .iter()
                .filter(|(_, network)| through(network))
                .map(|(name, network)| shown(name, network))
                .collect();
            ok(&listed)
        }
        ("POST", [_, "create"]) => {
            let body = asked.json();
            let name = body["Name"].as_str().unwrap_or_default().to_owned();
            if world.networks.contains_key(&name) {
                return refused(409, &format!("network with name {name} already exists"));
            }
            let map = |value: &Value| serde_json::from_value(value.clone()).unwrap_or_default();
            let network =
                FakeNetwork { id: world.id(), labels: map(&body["Labels"]), options: map(&body["Options"]) };
            let id = network.id.clone();
            world.networks.insert(name, network);
            json_answer(201, &json!({ "Id": id, "Warning": "" }))
        }
        ("GET", [_, name]) => match world.networks.get(*name) {
            Some(network) => ok(&shown(name, network)),
            None => no_such(name),
        },
        ("DELETE", [_, name]) => remove(&mut world, name),
        _ => refused(404, "page not found"),
    }
}

fn remove(world: &mut World, name: &str) -> Answer {
    let Some(network) = world.networks.get(name) else { return no_such(name) };
    let id = network.id.clone();
    let runs = |guest: &&str| world.containers[*guest].status == Status::Running;
    if world.guests(name).iter().any(runs) {
        return refused(
            403,
            &format!("error while removing network: network {name} id {id} has active endpoints"),
        );
    }
    world.networks.remove(name);
    done()
}

fn no_such(name: &str) -> Answer {
    refused(404, &format!("network {name} not found"))
}

fn shown(name: &str, network: &FakeNetwork) -> Value {
    json!({
        "Name": name, "Id": network.id, "Driver": "bridge", "Labels": network.labels, "Options": network.options,
    })
}
