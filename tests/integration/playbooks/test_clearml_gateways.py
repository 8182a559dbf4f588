# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The application gateways of three tenants, by real Helm into the API of each virtual cluster: CML-5, X-4, X-5, X-6."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import eventually
from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.inner import INSIDE, TENANTS, Releases, releases
from tests.integration.playbooks.state import Nothing

pytestmark = pytest.mark.lab

NAME = "clearml-enterprise-app-gateway"
OLD = "2.9.0"
PORTS = {documents.GPU: "30000-30003", documents.MIG: "30004-30007"}
PAIR = {"apiKey": "agentk8sglue_key", "apiSecret": "agentk8sglue_secret"}


@pytest.fixture
def gateways(three: Begun, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Releases]:
    with releases(three, request, tmp_path / "charts", "clearml_gateways", NAME, [OLD]) as found:
        yield found


def sessions(gateways: Releases, tenant: str) -> list[int]:
    """The ports of the Service for TCP sessions inside."""
    found = gateways.clusters[tenant].get(f"{INSIDE}/services/{NAME}-stream")
    return [port["port"] for port in found["spec"]["ports"]] if found else []


def values(gateways: Releases, tenant: str) -> dict[str, Any]:
    """The values of the newest revision."""
    found = gateways.revisions(tenant)
    return dict(found[max(found)]["config"])


def test_gateways_come_change_and_stay(three: Begun, gateways: Releases) -> None:
    with Nothing(three.site.lab):
        plan = gateways.bring("--check", clearml_gateway_version=OLD, clearml_gateway_ports=PORTS)
    assert plan.changed > 0
    assert gateways.newest() == [0, 0, 0]

    # By an older chart first: sessions have their older name.
    with Nothing(three.site.lab):
        run = gateways.bring("--diff", clearml_gateway_version=OLD, clearml_gateway_ports=PORTS)
    assert run.launches.count("helm") == 3
    for name in TENANTS:
        found, pair = values(gateways, name), three.kubernetes.clearml_pair(name)
        assert {key: pair[where] for key, where in PAIR.items()} == gateways.secret(name, NAME)
        # Where the pair is: in Helm's record, as the README says. That no run shows it, each run is searched for.
        assert {key: found["clearml"][key] for key in PAIR} == gateways.secret(name, NAME)
        assert found["clearml"]["authCookieName"] == "allegro_token"
        assert found["ingress"]["hostName"] == f"router.{name}.clearml.example.com"
        assert "streamSession" not in found
    assert values(gateways, documents.GPU)["tcpSession"]["portRange"] == {"start": 30000, "end": 30003}
    assert [len(sessions(gateways, name)) for name in TENANTS] == [4, 4, 0]

    run = gateways.bring(clearml_gateway_ports=PORTS)
    assert run.launches.count("helm") == 3
    assert "tcpSession" not in values(gateways, documents.GPU)
    address = values(gateways, documents.MIG)["streamSession"]["routerAddress"]
    assert address == f"tcp-router.{documents.MIG}.clearml.example.com"
    assert sessions(gateways, documents.MIG) == [30004, 30005, 30006, 30007]

    again = gateways.bring(clearml_gateway_ports=PORTS)
    assert again.changed == 0
    assert again.launches == ["clearml_info", "tenant_objects", "tenant_objects"]
    given = gateways.bring("--check", clearml_gateway_ports=PORTS, clearml_gateway_cookie_name="allegro_token")
    assert (given.changed, given.launches) == (0, ["tenant_objects"])

    # Switched off, it goes; the others stay.
    three.site.declare(documents.three(clearml={"app_gateway": {"enabled": False}}))
    assert gateways.bring("--check", clearml_gateway_ports=PORTS).changed == 1
    assert gateways.bring(clearml_gateway_ports=PORTS).launches.count("helm") == 1
    assert gateways.newest() == [0, 2, 2]
    assert gateways.bring(clearml_gateway_ports=PORTS).changed == 0


def test_a_rotated_pair_reaches_the_gateway_and_no_log(three: Begun, gateways: Releases) -> None:
    gateways.bring()
    before = gateways.newest()
    place = f"/api/v1/namespaces/t-{documents.GPU}/secrets/clearml-agent-credentials"
    kept = three.kubernetes.api.get(place)["data"]
    rotated = {PAIR["apiKey"]: "ROTATEDKEYOFTHETEST", PAIR["apiSecret"]: "rotated-secret-of-the-test"}
    data = {key: base64.b64encode(text.encode()).decode() for key, text in rotated.items()}
    try:
        three.kubernetes.api.patch(place, {"data": data})
        plan = gateways.bring("--check", "--diff")
        assert plan.changed > 0
        assert "(values: clearml.apiKey, clearml.apiSecret)" in plan.output
        assert gateways.newest() == before
        run = gateways.bring("--diff")
        assert [new - old for new, old in zip(gateways.newest(), before, strict=True)] == [1, 0, 0]
        assert gateways.secret(documents.GPU, NAME)["apiSecret"] == "rotated-secret-of-the-test"
        for shown in (plan, run):
            # The difference is told, and masked.
            told = [json.dumps(diff) for diff in shown.diffs()]
            assert [text for text in told if "Secret" in text and "********" in text]
            for text in (*rotated.values(), *data.values()):
                assert text not in shown.output
                assert text not in json.dumps(shown.events)
        assert gateways.bring("--check").changed == 0
    finally:
        three.kubernetes.api.patch(place, {"data": kept})
    assert gateways.bring().launches.count("helm") == 1


def test_what_helm_says_is_told_without_secrets_and_the_next_run_repairs(three: Begun, gateways: Releases) -> None:
    gateways.bring(clearml_gateway_ports=PORTS)
    before = gateways.newest()
    # The stand-in says in its error what it got.
    telling = gateways.run(clearml_gateway_ports=PORTS, clearml_gateway_values={"externalURL": "tell"})
    assert not telling.ok
    assert "3 of 3 tenants failed" in telling.failure
    assert telling.failure.count("a chart that tells what it got: ********") >= 3
    assert gateways.newest() == before

    bad = {"streamSession": {"service": {"type": "Nonsense"}}}
    run = gateways.run(clearml_gateway_ports=PORTS, clearml_gateway_values=bad)
    assert not run.ok
    assert "2 of 3 tenants failed" in run.failure
    assert f"{documents.GPU} (helm): " in run.failure
    assert "Nonsense" in run.failure
    assert gateways.bring(clearml_gateway_ports=PORTS).launches.count("helm") == 3
    assert gateways.bring(clearml_gateway_ports=PORTS).changed == 0


def cut(three: Begun) -> None:
    """Take away by hand what leads to the gateways."""
    for name in TENANTS:
        for path in ("services/clearml-gateway", "services/clearml-gateway-tcp"):
            three.kubernetes.api.delete(f"/api/v1/namespaces/t-{name}/{path}")
        three.kubernetes.api.delete(f"/apis/networking.k8s.io/v1/namespaces/t-{name}/ingresses/clearml-gateway")


def unused(three: Begun, *tenants: str) -> None:
    """Wait until the quotas of these tenants count no load balancer any more; the cluster counts a little later."""

    def used(tenant: str) -> str:
        found = three.kubernetes.api.get(f"/api/v1/namespaces/t-{tenant}/resourcequotas/base-quota")
        return str(found["status"]["used"]["services.loadbalancers"])

    eventually("the load balancers are gone", lambda: all(used(name) == "0" for name in tenants))


def test_what_leads_to_a_gateway_from_the_host(three: Begun, gateways: Releases) -> None:
    given = {"ingress_class": "nginx", "ingress_namespace": "ingress", "issuer": "platform-ca"}
    exposed: dict[str, Any] = {"platform_gateway_exposure": given, "clearml_gateway_ports": PORTS}
    api, space = three.kubernetes.api, f"/api/v1/namespaces/t-{documents.GPU}"
    networking = f"/apis/networking.k8s.io/v1/namespaces/t-{documents.GPU}"
    try:
        assert three.site.converge(**exposed).changed > 0
        (way, sessions) = api.get(f"{networking}/networkpolicies/allow-ingress")["spec"]["ingress"]
        assert way["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress"}
        assert [(port["port"], port.get("endPort")) for port in (*way["ports"], *sessions["ports"])] == [
            (80, None),
            (30000, 30003),
        ]
        assert three.site.converge(**exposed).changed == 0

        # These tenants have no load balancer of their own; the quota has room for the sessions' one and its node ports.
        assert three.kubernetes.quota(documents.GPU, "base-quota")["services.loadbalancers"] == "1"
        assert three.kubernetes.quota(documents.AMD, "base-quota")["services.loadbalancers"] == "0"
        assert gateways.bring("--check", **exposed).changed > 0
        assert api.get(f"{space}/services/clearml-gateway") is None
        gateways.bring(**exposed)
        service = api.get(f"{space}/services/clearml-gateway")["spec"]
        pods = [item["metadata"]["labels"] for item in api.items(f"{space}/pods")]
        assert [labels for labels in pods if service["selector"].items() <= labels.items()]
        ingress = api.get(f"{networking}/ingresses/clearml-gateway")["spec"]
        assert ingress["rules"][0]["host"] == f"router.{documents.GPU}.clearml.example.com"
        ports = api.get(f"{space}/services/clearml-gateway-tcp")["spec"]["ports"]
        assert [port["port"] for port in ports] == [30000, 30001, 30002, 30003]
        assert api.get(f"/api/v1/namespaces/t-{documents.AMD}/services/clearml-gateway-tcp") is None
        again = gateways.bring(**exposed)
        assert (again.changed, len(again.launches)) == (0, 3)

        # What is in use is not taken out of the quota, so what leads to the gateways goes first.
        three.site.declare(documents.three(clearml={"app_gateway": {"enabled": False}}))
        refused = three.site.run("tenants", **exposed)
        assert "services.loadbalancers from 1 to 0 (1 in use)" in " ".join(refused.failure.split())
        gateways.bring(**exposed)
        assert (api.get(f"{space}/services/clearml-gateway"), api.get(f"{networking}/ingresses/clearml-gateway")) == (
            None,
            None,
        )
        unused(three, documents.GPU)
        three.site.converge(**exposed)
        assert api.get(f"{networking}/networkpolicies/allow-ingress") is None
        assert three.kubernetes.quota(documents.GPU, "base-quota")["services.loadbalancers"] == "0"
    finally:
        three.site.declare(documents.three())
        cut(three)
        unused(three, *TENANTS)
        three.site.converge()


def test_what_does_not_go_together_is_refused_before_anything_is_asked(three: Begun, gateways: Releases) -> None:
    def refused(*words: str, launches: int = 0, **extra: Any) -> None:
        with Nothing(three.site.lab):
            run = gateways.run(**extra)
        assert not run.ok
        assert (run.changed, len(run.launches)) == (0, launches)
        told = " ".join(run.failure.split())
        for text in words:
            assert text in told

    before = gateways.newest()
    overlap = {documents.GPU: "30000-30009", documents.MIG: "30009-30019"}
    refused(
        f"clearml_gateway_ports.{documents.MIG}: '30009-30019' is not allowed",
        "clearml_gateway_values.clearml.apiKey: '(not shown)' is not allowed",
        clearml_gateway_ports=overlap,
        clearml_gateway_values={"clearml": {"apiKey": "in-the-clear"}},
    )
    # Those of tenants that are not worked on count too.
    host = f"router.{documents.MIG}.clearml.example.com"
    three.site.declare(documents.three(clearml={"app_gateway": {"host": host}}))
    refused(
        f"tenants[{documents.GPU}].clearml.app_gateway.host: '{host}' is not allowed; allowed: a host in",
        f"tenants[{documents.MIG}].clearml.app_gateway.host: '{host}' is not allowed; allowed: a host of its own",
        "clearml_gateway_ports.nobody: '1-2' is not allowed",
        launches=1,
        clearml_gateway_only=[documents.AMD],
        clearml_gateway_ports={"nobody": "1-2"},
    )
    assert gateways.newest() == before
