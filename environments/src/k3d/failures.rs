//! What usually goes wrong with k3d, k3s, Helm and the collectors, known by the programs' own words: why, and what helps.
//!
//! A program's message says what it could not do. The reason lies elsewhere as a rule: in a limit of the kernel, in the engine's
//! name server, in a proxy. Where one is known, it stands before what the program said.

/// A cause that is known by what programs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// In one line.
    pub cause: &'static str,
    /// What helps.
    pub remedy: &'static str,
    /// All texts of one row have to be there, in small letters.
    marks: &'static [&'static [&'static str]],
}

/// The first one fits: the more exact a cause is, the further up it stands.
const CAUSES: [Cause; 17] = [
    Cause {
        cause: "another program or container has one of the ports",
        remedy: "`cargo xtask doctor dev` names it; end it, or choose another port: --grafana-port, --prometheus-port, \
                 --otlp-grpc-port, --otlp-port",
        marks: &[
            &["port is already allocated"],
            &["address already in use"],
            &["ports are not available"],
            &["access permissions", "bind"],
        ],
    },
    Cause {
        cause: "this user may not open the container engine",
        remedy: "add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again), or point DOCKER_HOST to an \
                 engine of your own",
        marks: &[
            &["permission denied while trying to connect to the docker"],
            &["docker.sock", "connect: permission denied"],
        ],
    },
    Cause {
        cause: "the engine's socket is not where k3d mounts it from (rootless engines, Podman)",
        remedy: "set DOCKER_SOCK to the path in DOCKER_HOST, for example `export DOCKER_SOCK=$XDG_RUNTIME_DIR/podman/podman.sock`",
        marks: &[
            &["/var/run/docker.sock", "mountpoint"],
            &["mkdir /var/run/docker.sock"],
            &["mkdir /run/podman"],
        ],
    },
    Cause {
        cause: "no container engine answers",
        remedy: "start it; `cargo xtask doctor dev` says where was looked",
        marks: &[
            &["cannot connect to the docker daemon"],
            &["docker daemon running?"],
            &["docker.sock", "no such file"],
        ],
    },
    Cause {
        cause: "this machine has cgroup v1, and the kubelet does not run there any more since Kubernetes 1.35",
        remedy: "boot with cgroup v2 (`systemd.unified_cgroup_hierarchy=1`; in WSL2 `kernelCommandLine = \
                 cgroup_no_v1=all` in .wslconfig), or add `--kubelet-arg=fail-cgroupv1=false` to deploy/k3d/cluster.yaml",
        marks: &[&["not run on a host using cgroup v1"], &["cgroup v1", "kubelet", "not supported"]],
    },
    Cause {
        cause: "the containers of this engine have no memory cgroup, as in an old WSL2 or on a kernel that was started without it",
        remedy: "in WSL2 `wsl --update`, then `wsl --shutdown`; elsewhere start the kernel with `cgroup_enable=memory`",
        marks: &[
            &["failed to find memory cgroup"],
            &["cannot find cgroup mount destination"],
            &["cannot enter cgroupv2"],
        ],
    },
    Cause {
        cause: "the kernel allows too few inotify instances: every node and container takes some",
        remedy: "`sudo sysctl fs.inotify.max_user_instances=1280 fs.inotify.max_user_watches=655360`, and the same in a file of \
                 /etc/sysctl.d to keep it",
        marks: &[&["too many open files"], &["inotify", "no space left on device"]],
    },
    Cause {
        cause: "the engine keeps its files on a file system on which k3s cannot put its own (btrfs, ZFS, NFS)",
        remedy: "move the engine's data to ext4 or XFS, or add `--snapshotter=native` to the k3s arguments in \
                 deploy/k3d/cluster.yaml, which is slow",
        marks: &[
            &["snapshotter cannot be enabled"],
            &["not supported as upperdir"],
            &["failed to mount overlay"],
        ],
    },
    Cause {
        cause: "the disk is full",
        remedy: "`docker system df` shows what takes the space, `docker system prune` removes what nothing uses",
        marks: &[
            &["no space left on device"],
            &["disk-pressure"],
            &["diskpressure"],
            &["low on resource: ephemeral-storage"],
        ],
    },
    Cause {
        cause: "Docker Hub has had enough of this address for now",
        remedy: "wait some hours or `docker login`; k3s itself needs credentials in a registries.yaml (`registries.config` in \
                 deploy/k3d/cluster.yaml) or a mirror there",
        marks: &[&["toomanyrequests"], &["429 too many requests"], &["pull rate limit"]],
    },
    Cause {
        cause: "the kubelet's certificate is not one that the collector trusts",
        remedy: "make the cluster anew (`cargo xtask down dev`); if that does not help, `insecure_skip_verify: true` below kubeletstats \
                 in deploy/k3d/collector-nodes.yaml",
        marks: &[&["x509", "/stats/summary"], &["x509", ":10250"]],
    },
    Cause {
        cause: "a proxy on the way to the registry has a certificate that the nodes do not know",
        remedy: "mount the proxy's CA into the nodes: a `volumes` entry CA.pem:/etc/ssl/certs/CA.pem in deploy/k3d/cluster.yaml; and \
                 set HTTPS_PROXY for the engine",
        marks: &[&["x509: certificate signed by unknown authority"], &["x509: certificate is not trusted"]],
    },
    Cause {
        cause: "names are not resolved inside of the containers",
        remedy: "start the engine again after a change of network or VPN; if that does not help, `K3D_FIX_DNS=0 cargo xtask dev` (or =1, \
                 where it was 0), or name servers in the engine's daemon.json",
        marks: &[
            &["dial tcp: lookup", "i/o timeout"],
            &["dial tcp: lookup", "no such host"],
            &["dial tcp: lookup", "server misbehaving"],
            &["dial tcp: lookup", "try again"],
            &["temporary failure in name resolution"],
        ],
    },
    Cause {
        cause: "a run of Helm was ended in the middle of a change",
        remedy: "`cargo xtask dev` again makes the release anew",
        marks: &[
            &["another operation (install/upgrade/rollback) is in progress"],
            &["has no deployed releases"],
        ],
    },
    Cause {
        cause: "the cluster did not survive a restart of the machine or the engine: its addresses have changed",
        remedy: "`cargo xtask down dev`, then `cargo xtask dev`",
        marks: &[
            &["failed to create endpoint", "operation not supported"],
            &["failed to start server", "network", "not found"],
            &["rafthttp", "connection refused"],
            &["k3d cluster start", "failed to get ready"],
        ],
    },
    Cause {
        cause: "there is a cluster, network or container of this name that is not ours",
        remedy: "`k3d cluster delete` removes it; or --name another",
        marks: &[&["failed to create cluster", "because a cluster with that name already exists"]],
    },
    Cause {
        cause: "a container ran out of memory",
        remedy: "give the engine more memory (Docker Desktop: Settings, Resources), or end something else",
        marks: &[&["oomkilled"], &["exit code 137"], &["cannot allocate memory"]],
    },
];

/// The cause of a failure, if its words are known.
pub fn recognise(said: &str) -> Option<&'static Cause> {
    let said = said.to_lowercase();
    CAUSES.iter().find(|cause| cause.marks.iter().any(|marks| marks.iter().all(|mark| said.contains(mark))))
}

/// An error with its cause and remedy before it, if they are known. `more` are further words in which they may be, such as a log.
pub fn explain(error: anyhow::Error, more: &str) -> anyhow::Error {
    match recognise(&format!("{error:#}\n{more}")) {
        Some(Cause { cause, remedy, .. }) => error.context(format!("{cause}: {remedy}")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of programs, as people have reported them, and a part of the cause.
    const REPORTED: [(&str, &str); 31] = [
        (
            "ERRO[0001] Error response from daemon: driver failed programming external connectivity on endpoint \
             k3d-dev-server-0 (16357f1e): Bind for 127.0.0.1:3000 failed: port is already allocated",
            "one of the ports",
        ),
        (
            "Error starting userland proxy: listen tcp4 127.0.0.1:9090: bind: address already in use",
            "one of the ports",
        ),
        (
            "Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:9090 -> 0.0.0.0:0: listen tcp \
             127.0.0.1:9090: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
            "one of the ports",
        ),
        (
            "FATA[0000] Failed to list containers: Got permission denied while trying to connect to the Docker daemon socket \
             at unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json?all=1\": dial unix \
             /var/run/docker.sock: connect: permission denied",
            "may not open the container engine",
        ),
        (
            "ERRO[0002] docker failed to create container 'k3d-test-tools': Error response from daemon: make cli opts(): error \
             making volume mountpoint for volume /var/run/docker.sock: mkdir /var/run/docker.sock: permission denied",
            "socket is not where",
        ),
        (
            "error while creating mount source path '/run/podman/podman.sock': mkdir /run/podman/podman.sock: permission denied",
            "socket is not where",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "no container engine answers",
        ),
        (
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in maintenance",
            "has cgroup v1",
        ),
        (
            "level=fatal msg=\"failed to find memory cgroup, you may need to add \\\"cgroup_memory=1 cgroup_enable=memory\\\"\"",
            "no memory cgroup",
        ),
        ("level=fatal msg=\"failed to find memory cgroup (v2)\"", "no memory cgroup"),
        (
            "Error response from daemon: cgroups: cannot find cgroup mount destination: unknown.",
            "no memory cgroup",
        ),
        ("failed to run Kubelet: inotify_init: too many open files", "inotify"),
        ("failed to create fsnotify watcher: too many open files", "inotify"),
        (
            "Failed to start cAdvisor: inotify_add_watch /sys/fs/cgroup/cpu: no space left on device",
            "inotify",
        ),
        (
            "\"overlayfs\" snapshotter cannot be enabled for \"/var/lib/rancher/k3s/agent/containerd\", try using \
             \"fuse-overlayfs\" or \"native\": failed to mount overlay: invalid argument",
            "file system on which k3s cannot",
        ),
        (
            "overlayfs: filesystem on '/var/lib/rancher/k3s/agent/containerd/snapshots/273/fs' not supported as upperdir",
            "file system on which k3s cannot",
        ),
        ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "the disk is full"),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }. preemption: 0/1",
            "the disk is full",
        ),
        (
            "Warning Evicted: The node was low on resource: ephemeral-storage. Container lgtm was using 92Ki",
            "the disk is full",
        ),
        (
            "Failed to pull image \"grafana/otel-lgtm\": failed to copy: httpReadSeeker: failed open: unexpected status code \
             https://registry-1.docker.io/v2/grafana/otel-lgtm/manifests/sha256:bb01: 429 Too Many Requests - Server message: \
             toomanyrequests: You have reached your unauthenticated pull rate limit.",
            "Docker Hub",
        ),
        (
            "Error scraping metrics {\"error\": \"Get \\\"https://172.18.0.2:10250/stats/summary\\\": tls: failed to verify \
             certificate: x509: certificate signed by unknown authority\"}",
            "the kubelet's certificate",
        ),
        (
            "call to /stats/summary endpoint failed: x509: cannot validate certificate for 172.18.0.2 because it doesn't \
             contain any IP SANs",
            "the kubelet's certificate",
        ),
        (
            "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": x509: certificate signed by unknown authority",
            "a proxy on the way",
        ),
        (
            "dial tcp: lookup registry-1.docker.io on 127.0.0.11:53: read udp 127.0.0.1:41970->127.0.0.11:53: i/o timeout",
            "names are not resolved",
        ),
        (
            "Head \"https://registry-1.docker.io/v2/rancher/mirrored-pause/manifests/3.6\": dial tcp: lookup registry-1.docker.io: no such host",
            "names are not resolved",
        ),
        ("dial tcp: lookup registry-1.docker.io: Try again", "names are not resolved"),
        (
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
            "ended in the middle",
        ),
        (
            "FATA[0000] Failed to start server k3d-k3s-server-0: Error response from daemon: failed to create endpoint \
             k3d-k3s-server-0 on network k3d-k3s: failed to add the host (veth9a05999) <=> sandbox (veth94b2262) pair interfaces: \
             operation not supported",
            "did not survive a restart",
        ),
        (
            "`k3d cluster start kubernetes-mixin-otel` failed: Node k3d-x-server-0 failed to get ready: error waiting for log \
             line `k3s is up and running` from node 'k3d-x-server-0': stopped returning log lines",
            "did not survive a restart",
        ),
        (
            "FATA[0000] Failed to create cluster 'kubernetes-mixin-otel' because a cluster with that name already exists",
            "is not ours",
        ),
        ("container lgtm: terminated: OOMKilled (exit code 137)", "ran out of memory"),
    ];

    #[test]
    fn each_failure_is_known_by_the_words_that_people_have_reported() {
        for (said, expected) in REPORTED {
            let cause = recognise(said).unwrap_or_else(|| panic!("not known: {said}"));
            assert!(cause.cause.contains(expected), "{said}\n{}", cause.cause);
        }
    }

    #[test]
    fn every_cause_has_been_reported_and_says_what_helps() {
        for cause in &CAUSES {
            assert!(REPORTED.iter().any(|(said, _)| recognise(said) == Some(cause)), "{}", cause.cause);
            assert!(!cause.remedy.is_empty() && !cause.cause.ends_with('.'), "{}", cause.cause);
            let lowered = |mark: &&str| **mark == mark.to_lowercase();
            assert!(cause.marks.iter().flat_map(|marks| marks.iter()).all(lowered), "{}", cause.cause);
        }
    }

    #[test]
    fn what_is_known_stands_before_what_was_said_and_other_words_stay_alone() {
        let error = explain(
            anyhow::anyhow!("k3d failed"),
            "failed to run Kubelet: inotify_init: too many open files",
        );
        let text = format!("{error:#}");
        assert!(
            text.starts_with("the kernel allows too few inotify") && text.ends_with("k3d failed"),
            "{text}"
        );
        assert_eq!(
            format!("{:#}", explain(anyhow::anyhow!("k3d failed"), "INFO[0001] Prep: Network")),
            "k3d failed"
        );
    }
}
