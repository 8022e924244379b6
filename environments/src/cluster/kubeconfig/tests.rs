use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// A folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kubeconfig-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
    fn memory(&self) -> PathBuf {
        self.0.join("state").join("context.json")
    }
    fn only(&self, name: &str) -> Places {
        Places::new(Some(self.0.join(name).as_os_str()), &self.0)
    }
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PRIVATE: &str = "
apiVersion: v1
kind: Config
current-context: kwok-x
clusters:
- name: kwok-x
  cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: QUJD}
users:
- name: admin
  user: {client-certificate-data: REVG, client-key-data: R0hJ}
contexts:
- name: kwok-x
  context: {cluster: kwok-x, user: admin}
";

const USERS: &str = "
apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: work
clusters:
- name: work
  cluster:
    server: https://work.example:6443
    extensions: [{name: a, extension: {b: 1}}]
users:
- name: me
  user: {exec: {command: login, args: ['0x10', 'yes', '1e3', '']}}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team}
";

fn entries() -> Entries {
    Entries::of_kubeconfig(PRIVATE, "ours").unwrap()
}

fn tree(path: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn our_context_comes_and_goes_and_leaves_everything_as_it_was() {
    let folder = Folder::new("round");
    let file = folder.write("config", USERS);
    let places = folder.only("config");
    assert_eq!(look(&places, &entries(), true).unwrap(), State::Absent);
    let switched = add(&places, &entries(), true, &folder.memory()).unwrap();
    assert_eq!(switched, Switched { file: file.clone(), former: Some("work".to_owned()), is_current: true });
    assert!(matches!(look(&places, &entries(), true).unwrap(), State::Up(_)));
    let now = tree(&file);
    assert_eq!(now["current-context"], "ours");
    assert_eq!(now["contexts"][1]["context"]["user"], "ours");
    assert_eq!(now["clusters"][1]["cluster"]["server"], "https://127.0.0.1:6443");
    let restored = restore(&places, "ours", &folder.memory()).unwrap();
    assert_eq!(restored, Restored { removed: true, current: Some("work".to_owned()) });
    assert_eq!(tree(&file), serde_yaml::from_str::<Value>(USERS).unwrap());
    assert_eq!(folder.names(), ["config", "state"]);
    assert!(!folder.memory().exists());
    let again = restore(&places, "ours", &folder.memory()).unwrap();
    assert_eq!(again, Restored { removed: false, current: Some("work".to_owned()) });
}

#[test]
fn without_switch_the_current_context_stays() {
    let folder = Folder::new("stay");
    let file = folder.write("config", USERS);
    let places = folder.only("config");
    let added = add(&places, &entries(), false, &folder.memory()).unwrap();
    assert!(!added.is_current);
    assert_eq!(tree(&file)["current-context"], "work");
    assert!(matches!(look(&places, &entries(), false).unwrap(), State::Up(_)));
    assert_eq!(
        look(&places, &entries(), true).unwrap(),
        State::Different("the current context is work".to_owned())
    );
    restore(&places, "ours", &folder.memory()).unwrap();
    assert_eq!(tree(&file), serde_yaml::from_str::<Value>(USERS).unwrap());
}

#[test]
fn a_second_start_does_not_forget_the_former_context() {
    let folder = Folder::new("twice");
    let file = folder.write("config", USERS);
    let places = folder.only("config");
    add(&places, &entries(), true, &folder.memory()).unwrap();
    let before = fs::read_to_string(&file).unwrap();
    let switched = add(&places, &entries(), true, &folder.memory()).unwrap();
    assert_eq!(switched.former.as_deref(), Some("work"));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(restore(&places, "ours", &folder.memory()).unwrap().current.as_deref(), Some("work"));
}

#[test]
fn a_context_that_the_user_has_chosen_meanwhile_stays() {
    let folder = Folder::new("chosen");
    let file = folder.write("config", USERS);
    let places = folder.only("config");
    add(&places, &entries(), true, &folder.memory()).unwrap();
    let chosen =
        fs::read_to_string(&file).unwrap().replace("current-context: ours", "current-context: other");
    fs::write(&file, chosen).unwrap();
    assert_eq!(restore(&places, "ours", &folder.memory()).unwrap().current.as_deref(), Some("other"));
}

#[test]
fn a_former_context_that_is_gone_is_not_chosen_again() {
    let folder = Folder::new("gone");
    let file = folder.write("config", USERS);
    let places = folder.only("config");
    add(&places, &entries(), true, &folder.memory()).unwrap();
    let without = fs::read_to_string(&file).unwrap().replace("- name: work\n", "- name: elsewhere\n");
    fs::write(&file, without).unwrap();
    assert_eq!(restore(&places, "ours", &folder.memory()).unwrap().current, None);
}

#[test]
fn a_file_that_came_with_our_context_goes_with_it() {
    let folder = Folder::new("new");
    let places = Places::new(None, &folder.0);
    let file = folder.0.join(".kube").join("config");
    let switched = add(&places, &entries(), true, &folder.memory()).unwrap();
    assert_eq!((switched.file.as_path(), switched.former), (file.as_path(), None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    restore(&places, "ours", &folder.memory()).unwrap();
    assert!(!file.exists());
}

#[test]
fn of_several_files_the_first_that_exists_is_written_and_all_are_cleaned() {
    let folder = Folder::new("list");
    let second = folder.write("second", USERS);
    let stale = "contexts:\n- name: ours\n  context: {cluster: old, user: old}\n";
    let third = folder.write("third", stale);
    let list: OsString = std::env::join_paths([&folder.0.join("first"), &second, &third, &second]).unwrap();
    let places = Places::new(Some(&list), &folder.0);
    assert_eq!(places.files().len(), 3);
    assert!(matches!(look(&places, &entries(), true).unwrap(), State::Different(_)));
    assert_eq!(add(&places, &entries(), true, &folder.memory()).unwrap().file, second);
    assert_eq!(tree(&third)["contexts"], Value::Sequence(Vec::new()));
    restore(&places, "ours", &folder.memory()).unwrap();
    assert_eq!(tree(&second), serde_yaml::from_str::<Value>(USERS).unwrap());
    assert_eq!(folder.names(), ["second", "state", "third"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_modes_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::new("link");
    let file = folder.write("real", USERS);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", folder.0.join("config")).unwrap();
    add(&folder.only("config"), &entries(), true, &folder.memory()).unwrap();
    assert_eq!(tree(&file)["current-context"], "ours");
    assert!(fs::symlink_metadata(folder.0.join("config")).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    // One whose file does not exist yet.
    symlink("later", folder.0.join("dangling")).unwrap();
    add(&folder.only("dangling"), &entries(), true, &folder.memory()).unwrap();
    assert_eq!(tree(&folder.0.join("later"))["current-context"], "ours");
}

#[test]
fn a_file_that_another_program_is_changing_is_waited_for() {
    let folder = Folder::new("locked");
    let file = folder.write("config", USERS);
    let lock = folder.write("config.lock", "");
    let other = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        fs::write(&file, USERS.replace("colors: true", "colors: false")).unwrap();
        fs::remove_file(lock).unwrap();
    });
    add(&folder.only("config"), &entries(), true, &folder.memory()).unwrap();
    other.join().unwrap();
    let now = tree(&folder.0.join("config"));
    assert_eq!((&now["preferences"]["colors"], &now["current-context"]), (&false.into(), &"ours".into()));
}

#[test]
fn what_is_no_kubeconfig_is_left_alone() {
    let folder = Folder::new("broken");
    for (text, said) in [
        ("- a\n- b\n", "it is not a mapping"),
        ("contexts: 7\n", "`contexts` is not a list"),
        ("contexts: [\n", "did not find expected node content"),
    ] {
        let file = folder.write("config", text);
        let error = add(&folder.only("config"), &entries(), true, &folder.memory()).unwrap_err();
        let chain = format!("{error:#}");
        assert!(
            chain.contains("config is no kubeconfig; it stays as it is") && chain.contains(said),
            "{chain}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert!(!folder.0.join("config.lock").exists());
    }
}

#[test]
fn a_private_kubeconfig_without_what_it_names_is_refused() {
    for (text, said) in [
        ("", "the cluster's kubeconfig has no current-context"),
        ("current-context: a", "the cluster's kubeconfig has no context a"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: b}}]}",
            "the cluster's kubeconfig has no cluster \"b\"",
        ),
    ] {
        assert_eq!(Entries::of_kubeconfig(text, "ours").unwrap_err().to_string(), said);
    }
}

/// A kubeconfig of a user: names of contexts, which one is current, and something that we do not know.
fn users() -> impl Strategy<Value = String> {
    let names = prop::collection::btree_set("[a-z][a-z0-9@/._-]{0,12}", 0..5);
    (names, any::<prop::sample::Index>(), any::<bool>(), "[ -~]{0,20}").prop_map(
        |(names, index, has_current, odd)| {
            let names: Vec<String> = names.into_iter().filter(|name| name != "ours").collect();
            let list = |field: &str| {
                let entries: Vec<serde_json::Value> = names
                    .iter()
                    .map(|name| serde_json::json!({"name": name, field: {"x": odd, "cluster": name}}))
                    .collect();
                entries
            };
            let mut config = serde_json::json!({
                "odd": odd, "clusters": list("cluster"), "users": list("user"), "contexts": list("context"),
            });
            if has_current && !names.is_empty() {
                config["current-context"] = index.get(&names).as_str().into();
            }
            serde_yaml::to_string(&config).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn adding_and_restoring_changes_nothing_else(text in users(), switch in any::<bool>(), twice in any::<bool>()) {
        let folder = Folder::new("property");
        let file = folder.write("config", &text);
        let places = folder.only("config");
        let before = tree(&file);
        add(&places, &entries(), switch, &folder.memory()).unwrap();
        if twice {
            add(&places, &entries(), switch, &folder.memory()).unwrap();
        }
        prop_assert_eq!(tree(&file)["current-context"] == "ours", switch);
        restore(&places, "ours", &folder.memory()).unwrap();
        let mut after = tree(&file);
        // What was not there before is empty afterwards.
        for (key, empty) in [("current-context", ""), ("apiVersion", "v1"), ("kind", "Config")] {
            if before.get(key).is_none() && after.get(key).and_then(Value::as_str) == Some(empty) {
                after.as_mapping_mut().unwrap().remove(key);
            }
        }
        prop_assert_eq!(after, before);
    }
}
