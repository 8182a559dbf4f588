# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's RKE2 does what the roles are tested against: join order, quorum, refusals, snapshots, rotation.

The tests build on each other: bringing a cluster up for each would take most of the time. They need nothing of ours
but the laboratory.
"""

from __future__ import annotations

import base64
import json
import time

import pytest

from tests.lab.hosts import HostLab

from . import netpol_cases
from .standin import TOKEN, VERSION, Standin, condition, eventually

SERVERS = ("server-1", "server-2", "server-3")
AGENTS = ("agent-1", "agent-2")
FIRST = "https://server-1.lab.test:9345"
#: Names that the first server is called by; a certificate without them would be refused.
NAMES = ["rke2.lab.test", "server-1.lab.test"]


@pytest.fixture(scope="module")
def rke2(fresh_hosts: HostLab) -> Standin:
    """The stand-in, installed on all hosts; two servers and an agent run. The third server and agent come later."""
    standin = Standin(fresh_hosts)
    for host in (*SERVERS, *AGENTS):
        standin.install(host)
    standin.configure("server-1", tls_san=NAMES)
    standin.start("server-1")
    standin.configure("server-2", server=FIRST, tls_san=NAMES)
    standin.start("server-2")
    standin.configure("agent-1", server=FIRST, node_label=["test=yes"], node_taint=["test=yes:PreferNoSchedule"])
    standin.start("agent-1")
    standin.wait_ready("server-1", "server-1", "server-2", "agent-1")
    return standin


def refused(rke2: Standin, host: str, words: str) -> None:
    """Start a server that must not come up, and look for the words in its journal."""
    rke2.run(host, f"journalctl --rotate >/dev/null 2>&1; systemctl start --no-block {rke2.unit(host)}")
    eventually(lambda: words in rke2.log(host, 40), f"{words!r} in the journal of {host}", 30)
    assert rke2.run(host, f"systemctl is-active {rke2.unit(host)}", check=False).strip() != "active"
    rke2.stop(host)


class TestJoining:
    def test_files_and_modes(self, rke2: Standin) -> None:
        modes = rke2.run("server-1", "stat -c '%a %n' /etc/rancher/rke2/rke2.yaml /var/lib/rancher/rke2/server/token")
        assert modes.split("\n")[:2] == ["600 /etc/rancher/rke2/rke2.yaml", "600 /var/lib/rancher/rke2/server/token"]
        token = rke2.lab.read("server-1", "/var/lib/rancher/rke2/server/node-token")
        ca = rke2.run("server-1", "sha256sum < /var/lib/rancher/rke2/server/tls/server-ca.crt").split()[0]
        assert token == f"K10{ca}::server:{TOKEN}\n"

    def test_versions_are_those_of_the_release(self, rke2: Standin) -> None:
        assert VERSION in rke2.run("server-1", "rke2 --version")
        assert json.loads(rke2.kubectl("server-1", "get --raw /version"))["gitVersion"] == VERSION
        assert rke2.node("server-1", "agent-1")["status"]["nodeInfo"]["kubeletVersion"] == VERSION

    def test_labels_and_taints_of_the_configuration(self, rke2: Standin) -> None:
        agent, server = rke2.node("server-1", "agent-1"), rke2.node("server-1", "server-2")
        assert agent["metadata"]["labels"]["test"] == "yes"
        assert {"key": "test", "value": "yes", "effect": "PreferNoSchedule"} in agent["spec"]["taints"]
        assert server["metadata"]["labels"]["node-role.kubernetes.io/etcd"] == "true"

    def test_a_joining_server_is_promoted(self, rke2: Standin) -> None:
        promoted = [row["member"] for row in rke2.events("server-1", "etcd-promote")]
        assert [name.rsplit("-", 1)[0] for name in promoted] == ["server-2"]
        node = rke2.node("server-1", "server-2")
        eventually(lambda: condition(rke2.node("server-1", "server-2"), "EtcdIsVoter") == "True", "a vote", 20)
        assert node["metadata"]["annotations"]["etcd.rke2.cattle.io/node-name"] == promoted[0]
        assert rke2.members("server-1") == {"server-1", "server-2"}

    @pytest.mark.parametrize(
        ("user", "path", "status"),
        [
            ("", "/ping", 200),
            ("", "/cacerts", 200),
            ("", "/v1-rke2/readyz", 401),
            (f"node:{TOKEN}", "/v1-rke2/readyz", 200),
            (f"node:{TOKEN}", "/v1-rke2/server-bootstrap", 401),
            ("server:wrong", "/db/info", 401),
            (f"server:{TOKEN}", "/db/info", 200),
        ],
    )
    def test_supervisor(self, rke2: Standin, user: str, path: str, status: int) -> None:
        assert rke2.supervisor_status("server-1", path, user) == status

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"cluster_domain": "other.local"}, "critical configuration value mismatch between servers"),
            ({"service_cidr": "10.64.0.0/16"}, 'service-cidr is \\"10.64.0.0/16\\" here and \\"10.63.0.0/16\\"'),
            ({"agent_token": "another"}, "critical configuration value mismatch between servers"),
            ({"token": "wrong"}, "failed to validate token"),
            (
                {"token": f"K10{'0' * 64}::server:{TOKEN}"},
                "token CA hash does not match the Cluster CA certificate hash",
            ),
            ({"no_such_key": 1}, "flag provided but not defined: -no-such-key"),
            ({"profile": "cis-1.23"}, "invalid value"),
            ({"node_name": "server-1"}, "duplicate node name found"),
        ],
    )
    def test_server_that_must_not_join(self, rke2: Standin, keys: dict[str, object], words: str) -> None:
        rke2.configure("server-3", **{"server": FIRST, **keys})
        refused(rke2, "server-3", words)
        assert rke2.members("server-1") == {"server-1", "server-2"}
        rke2.run("server-3", "rm -rf /var/lib/rancher/rke2/server")

    def test_profile_wants_a_prepared_machine(self, rke2: Standin) -> None:
        rke2.configure("server-3", server=FIRST, profile="cis")
        refused(rke2, "server-3", "missing required user: unknown user etcd")

    def test_fault_in_a_join_and_a_slow_start(self, rke2: Standin) -> None:
        rke2.configure("server-3", server=FIRST, tls_san=NAMES)
        rke2.faults("server-3", fail_join="the laboratory was told so")
        refused(rke2, "server-3", "the laboratory was told so")
        rke2.faults("server-3", slow_start=5)
        rke2.start("server-3", wait=False)
        eventually(lambda: rke2.events("server-3", "apiserver-ready"), "API server", 60)
        eventually(lambda: "server-3" in rke2.ready_nodes("server-1"), "the node", 30)
        assert rke2.run("server-3", "systemctl is-active rke2-server", check=False).strip() == "activating"
        rke2.wait_active("server-3")
        rke2.faults("server-3")
        assert rke2.members("server-2") == set(SERVERS)

    def test_agent_through_the_balancer(self, rke2: Standin) -> None:
        rke2.configure("agent-2", server="https://rke2.lab.test:9345")
        rke2.start("agent-2")
        rke2.wait_ready("server-1", *SERVERS, *AGENTS)

    def test_sequence_over_all_hosts(self, rke2: Standin) -> None:
        ready = {host: rke2.events(host, "ready")[0]["time"] for host in (*SERVERS, *AGENTS)}
        starts = {host: rke2.events(host, "start")[-1]["time"] for host in (*SERVERS, *AGENTS)}
        assert ready["server-1"] < starts["server-2"] < ready["server-2"] < starts["agent-1"] < ready["server-3"]


@pytest.fixture(scope="module")
def addresses(rke2: Standin) -> dict[str, str]:
    """Pods and a Service in place: name to address, "service" for the Service's."""
    documents = [
        "{apiVersion: v1, kind: Namespace, metadata: {name: t}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: u}}",
    ]
    for pod, (node, label) in netpol_cases.PODS.items():
        namespace, name = pod.split("/")
        documents.append(POD % {"namespace": namespace, "name": name, "node": node, "label": label.replace("=", ": ")})
    documents.append("{apiVersion: v1, kind: Service, metadata: {name: target, namespace: t}, "
                     "spec: {selector: {app: target}, ports: [{port: 80, targetPort: web}]}}")  # fmt: skip
    rke2.kubectl("server-1", "apply -f -", "\n---\n".join(documents))
    rke2.kubectl("server-1", "wait pod --all --for=condition=Ready -n t --request-timeout=0 --timeout=60s")
    rke2.kubectl("server-1", "wait pod --all --for=condition=Ready -n u --request-timeout=0 --timeout=60s")
    items = [*rke2.get("server-1", "pods -n t")["items"], *rke2.get("server-1", "pods -n u")["items"]]
    found = {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["status"]["podIP"] for item in items}
    return {**found, "service": rke2.get("server-1", "service target -n t")["spec"]["clusterIP"]}


class TestNetworkPolicies:
    @pytest.mark.parametrize("name", netpol_cases.CASES)
    def test_case(self, rke2: Standin, addresses: dict[str, str], name: str) -> None:
        case = netpol_cases.CASES[name]
        rke2.kubectl("server-1", "delete networkpolicy --all -n t")
        if case.spec:
            spec = case.spec
            for pod, address in addresses.items():
                spec = spec.replace("{" + pod + "}", address)
            rke2.kubectl("server-1", "apply -f -", "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
                         "metadata: {name: tried, namespace: t}, spec: " + spec + "}")  # fmt: skip
        eventually(lambda: reachable(rke2, addresses) == case.open, f"connections under {name!r}", 20)

    def test_probes_of_the_node_pass_a_default_deny(self, rke2: Standin, addresses: dict[str, str]) -> None:
        rke2.kubectl("server-1", "apply -f -", "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
                     "metadata: {name: deny, namespace: t}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}")  # fmt: skip
        time.sleep(5)  # five probes
        assert {condition(item, "Ready") for item in rke2.get("server-1", "pods -n t")["items"]} == {"True"}
        assert len(addresses) == 5
        rke2.kubectl("server-1", "delete namespace t u --wait=false")


class TestFaults:
    def test_quorum_is_real(self, rke2: Standin) -> None:
        for host in ("server-2", "server-3"):
            rke2.stop(host)
        assert "created" not in rke2.kubectl("server-1", "create configmap no-quorum --request-timeout=5s", check=False)
        rke2.start("server-2")
        eventually(
            lambda: "created" in rke2.kubectl("server-1", "create configmap quorum", check=False),
            "a write with two of three",
            60,
        )
        rke2.start("server-3")

    def test_agent_outlives_the_server_by_which_it_joined(self, rke2: Standin) -> None:
        rke2.stop("server-1")
        rke2.kubectl("server-2", "run survivor --image=docker.io/rancher/lab-pod:1 --image-pull-policy=Never "
                     '--overrides=\'{"spec":{"nodeName":"agent-1"}}\' -- pause')  # fmt: skip
        eventually(
            lambda: rke2.get("server-2", "pod survivor")["status"].get("phase") == "Running", "pod on agent-1", 60
        )
        rke2.restart("agent-1")  # and also starts without that server
        eventually(lambda: "agent-1" in rke2.ready_nodes("server-2"), "agent-1", 60)
        rke2.start("server-1")
        pod = rke2.get("server-2", "pod survivor")
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
        rke2.kubectl("server-2", "delete pod survivor --grace-period=1")

    def test_host_installed_anew_is_refused_until_its_node_is_gone(self, rke2: Standin) -> None:
        rke2.lab.wipe("agent-2")
        rke2.install("agent-2")
        rke2.configure("agent-2", server="https://rke2.lab.test:9345")
        rke2.start("agent-2", wait=False)
        eventually(lambda: "Node password rejected" in rke2.log("agent-2"), "refusal", 30)
        rke2.kubectl("server-1", "delete node agent-2")
        rke2.wait_active("agent-2")
        eventually(lambda: "agent-2" in rke2.ready_nodes("server-1"), "agent-2", 60)

    def test_server_leaves_by_annotation_and_comes_back_fresh(self, rke2: Standin) -> None:
        name = rke2.node("server-1", "server-3")["metadata"]["annotations"]["etcd.rke2.cattle.io/node-name"]
        rke2.kubectl("server-1", "annotate node server-3 etcd.rke2.cattle.io/remove=true")
        eventually(
            lambda: rke2.node("server-1", "server-3")["metadata"]["annotations"].get(
                "etcd.rke2.cattle.io/removed-node-name") == name, "the member's removal", 30)  # fmt: skip
        assert rke2.members("server-1") == {"server-1", "server-2"}
        rke2.stop("server-3")
        rke2.kubectl("server-1", "delete node server-3")
        rke2.start("server-3", wait=False)  # with its old data it is no member any more
        eventually(lambda: rke2.status("server-3", "grep -q 'permanently removed' "
                   "/var/lib/rancher/rke2/server/logs/etcd.log") == 0, "refusal by etcd", 30)  # fmt: skip
        rke2.stop("server-3")
        rke2.run("server-3", "rm -rf /var/lib/rancher/rke2/server/db")
        rke2.start("server-3")
        rke2.wait_ready("server-1", *SERVERS, *AGENTS)

    def test_member_leaves_with_its_deleted_node(self, rke2: Standin) -> None:
        rke2.lab.wipe("server-3")
        rke2.install("server-3")
        rke2.configure("server-3", server=FIRST, tls_san=NAMES)
        refused(rke2, "server-3", "duplicate node name found")
        rke2.kubectl("server-1", "delete node server-3")
        eventually(lambda: rke2.members("server-1") == {"server-1", "server-2"}, "the member's removal", 30)
        rke2.start("server-3")
        rke2.wait_ready("server-1", *SERVERS, *AGENTS)


class TestMaintenance:
    def test_newer_release_on_one_server(self, rke2: Standin) -> None:
        newer = "v1.35.7+rke2r1"
        rke2.install("server-2", newer, images=False)
        assert newer in rke2.run("server-2", "rke2 --version")
        assert rke2.node("server-1", "server-2")["status"]["nodeInfo"]["kubeletVersion"] == VERSION
        rke2.restart("server-2")
        assert rke2.node("server-1", "server-2")["status"]["nodeInfo"]["kubeletVersion"] == newer
        assert json.loads(rke2.kubectl("server-2", "get --raw /version"))["gitVersion"] == newer

    def test_secrets_are_encrypted_and_keys_rotate(self, rke2: Standin) -> None:
        rke2.kubectl("server-1", "create secret generic hidden --from-literal=word=treasure")
        before = stored(rke2, "hidden")
        assert "k8s:enc:aescbc:v1:aescbckey:" in before
        assert "treasure" not in before
        assert "finished" in rke2.run("server-1", "rke2 secrets-encrypt rotate-keys")
        assert "k8s:enc:aescbc:v1:aescbckey-2" in stored(rke2, "hidden")
        status = json.loads(rke2.run("server-1", "rke2 secrets-encrypt status -o json"))
        assert (status["stage"], status["hashMatch"]) == ("reencrypt_finished", False)
        for host in ("server-2", "server-3"):
            rke2.restart(host)
            assert "hidden" in rke2.kubectl(host, "get secret hidden")
        assert json.loads(rke2.run("server-1", "rke2 secrets-encrypt status -o json"))["hashMatch"] is True

    def test_certificates_rotate(self, rke2: Standin) -> None:
        command = "openssl x509 -noout -serial -in /var/lib/rancher/rke2/server/tls/{}.crt"
        serving, authority = (
            rke2.run("server-2", command.format(name)) for name in ("serving-kube-apiserver", "server-ca")
        )
        rke2.stop("server-2")
        rke2.run("server-2", "rke2 certificate rotate")
        rke2.start("server-2")
        assert rke2.run("server-2", command.format("serving-kube-apiserver")) != serving
        assert rke2.run("server-2", command.format("server-ca")) == authority
        rows = json.loads(rke2.run("server-2", "rke2 certificate check --output json"))
        assert {row["status"] for row in rows} == {"OK"}
        assert len(rows) > 15

    def test_token_rotates(self, rke2: Standin) -> None:
        new = "another-token-of-the-tests"
        rke2.run("server-1", f"RKE2_TOKEN={TOKEN} rke2 token rotate --new-token {new}")
        assert rke2.supervisor_status("server-1", "/db/info", f"server:{TOKEN}") == 401
        rke2.restart("server-2", wait=False)
        eventually(lambda: "encrypted with different token" in rke2.log("server-2", 30), "refusal", 60)
        for host in ("server-2", "server-3", "server-1"):
            rke2.configure(host, server=FIRST, token=new, tls_san=NAMES)
            rke2.restart(host)
        for host in AGENTS:
            rke2.configure(host, server="https://rke2.lab.test:9345", token=new)
            rke2.restart(host)
        rke2.wait_ready("server-1", *SERVERS, *AGENTS)
        rke2.run("server-1", f"RKE2_TOKEN={new} rke2 token rotate --new-token {TOKEN}")
        for host in ("server-2", "server-3", "server-1"):
            rke2.configure(host, server=FIRST, tls_san=NAMES)
            rke2.restart(host)

    def test_snapshots_are_listed_for_all_servers(self, rke2: Standin) -> None:
        rke2.run("server-1", "rke2 etcd-snapshot save --name one")
        rke2.run("server-2", "rke2 etcd-snapshot save --name two --etcd-snapshot-compress")

        def listed(prefix: str) -> list[str]:
            rows = json.loads(rke2.run("server-3", "rke2 etcd-snapshot ls -o json"))["items"]
            found = [row["spec"] for row in rows if row["spec"]["snapshotName"].startswith(prefix)]
            return [text for spec in found for text in (spec["nodeName"], spec["snapshotName"])]

        # The command writes a file; the server makes the object for it at its next look.
        host_of_one, one = eventually(lambda: listed("one-"), "the first in the list")
        host_of_two, two = eventually(lambda: listed("two-"), "the second in the list")
        assert (host_of_one, host_of_two) == ("server-1", "server-2")
        assert two.endswith(".zip")
        rke2.run("server-1", f"rke2 etcd-snapshot delete {one}")
        eventually(lambda: one not in rke2.run("server-1", "rke2 etcd-snapshot ls"), "the deleted one out of the list")
        assert rke2.status("server-1", f"rke2 etcd-snapshot delete {one}") == 1

    def test_reset_and_restore_bring_the_data_back(self, rke2: Standin) -> None:
        rke2.kubectl("server-1", "create configmap kept")
        path = "/var/lib/rancher/rke2/server/db/snapshots/" + rke2.run(
            "server-1", "rke2 etcd-snapshot save --name keep | grep -o 'keep-[a-z0-9-]*'").strip()  # fmt: skip
        rke2.kubectl("server-1", "delete configmap kept")
        rke2.kubectl("server-1", "create configmap late")
        for host in SERVERS:
            rke2.stop(host)
        reset = f"rke2 server --cluster-reset --cluster-reset-restore-path={path}"
        assert "while server URL is set" in rke2.run("server-1", reset, check=False)
        rke2.configure("server-1", token="wrong", tls_san=NAMES)
        assert "encrypted with different token" in rke2.run("server-1", reset, check=False)
        rke2.configure("server-1", tls_san=NAMES)
        assert "restart without --cluster-reset flag now" in rke2.run("server-1", reset)
        assert "cluster-reset was successfully performed" in rke2.run("server-1", reset, check=False)
        rke2.start("server-1")
        assert rke2.members("server-1") == {"server-1"}
        assert "kept" in rke2.kubectl("server-1", "get configmap kept")
        assert rke2.status("server-1", f"{kubectl()} get configmap late") == 1
        for host in ("server-2", "server-3"):
            rke2.run(host, "rm -rf /var/lib/rancher/rke2/server/db")
            rke2.start(host)
        rke2.wait_ready("server-1", *SERVERS, *AGENTS)
        assert rke2.status("server-1", "test -e /var/lib/rancher/rke2/server/db/reset-flag") == 1


class TestRemoval:
    def test_uninstall_leaves_nothing(self, rke2: Standin) -> None:
        rke2.run("agent-2", "/usr/local/bin/rke2-uninstall.sh")
        left = rke2.run("agent-2", "ls -d /etc/rancher /var/lib/rancher/rke2 /usr/local/bin/rke2* /run/k3s 2>/dev/null; "
                        "ls /var/lib/kubelet; pgrep -l 'containerd|kube'; iptables-save | grep -E 'KUBE|LAB|CNI'; "
                        "ip -o link show cni0 2>/dev/null; true")  # fmt: skip
        assert left == ""
        rke2.kubectl("server-1", "delete node agent-2")

    def test_own_certificate_authority(self, rke2: Standin) -> None:
        """On a host of its own: authorities that are there before the first start are used."""
        rke2.lab.wipe("agent-2")
        rke2.install("agent-2")
        tls = "/var/lib/rancher/rke2/server/tls"
        rke2.run("agent-2", f"mkdir -p {tls} && cd {tls} && openssl req -x509 -newkey rsa:2048 -nodes -days 30 "
                 "-subj /CN=our-own-ca -keyout server-ca.key -out server-ca.crt 2>/dev/null")  # fmt: skip
        rke2.lab.write("agent-2", "/etc/rancher/rke2/config.yaml", f"token: {TOKEN}\n", "0600")
        rke2.run("agent-2", "systemctl start rke2-server")
        assert "our-own-ca" in rke2.run(
            "agent-2", "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -issuer"
        )
        assert (
            rke2.status("agent-2", "systemctl start rke2-agent; systemctl is-active rke2-agent") != 0
        )  # ExecCondition


#: A pod of the laboratory's image that answers on its ports and is probed by its node.
POD = """{apiVersion: v1, kind: Pod, metadata: {name: %(name)s, namespace: %(namespace)s, labels: {%(label)s}}, spec: {
  nodeName: %(node)s, terminationGracePeriodSeconds: 1, containers: [{name: c, image: "docker.io/rancher/lab-pod:1",
  imagePullPolicy: Never, args: [serve, "8080", "9090", "8053/udp"], ports: [{name: web, containerPort: 8080}],
  readinessProbe: {tcpSocket: {port: web}, periodSeconds: 1, failureThreshold: 2}}]}}"""


def reachable(rke2: Standin, addresses: dict[str, str]) -> frozenset[str]:
    """Try all connections, and return those that work."""
    works: set[str] = set()
    for source in netpol_cases.PODS:
        mine = {probe: probe.split(" > ")[1] for probe in netpol_cases.PROBES if probe.startswith(f"{source} >")}
        texts = {probe: addresses[target.split(":")[0]] + ":" + target.split(":")[1] for probe, target in mine.items()}
        namespace, name = source.split("/")
        output = rke2.kubectl(
            "server-1",
            f"exec -n {namespace} {name} --request-timeout=0 -- /pod dial " + " ".join(texts.values()),
            check=False,
        )
        opened = {line.split()[0] for line in output.splitlines() if " open " in line}
        works |= {probe for probe, text in texts.items() if text in opened}
    return frozenset(works)


def kubectl() -> str:
    """Return kubectl on a server, for tests of its exit code."""
    return "/var/lib/rancher/rke2/bin/kubectl --kubeconfig /etc/rancher/rke2/rke2.yaml"


def stored(rke2: Standin, secret: str) -> str:
    """Return what etcd has of a secret; bytes that are no text are dropped."""
    tls = "/var/lib/rancher/rke2/server/tls/etcd"
    body = json.dumps({"key": base64.b64encode(f"/registry/secrets/default/{secret}".encode()).decode()})
    answer = rke2.run("server-1", f"curl -sf --cacert {tls}/server-ca.crt --cert {tls}/client.crt --key {tls}/client.key "
                      f"https://127.0.0.1:2379/v3/kv/range -d '{body}'")  # fmt: skip
    return base64.b64decode(json.loads(answer)["kvs"][0]["value"]).decode(errors="ignore")
