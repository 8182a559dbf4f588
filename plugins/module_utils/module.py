# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Between Ansible and our code: options in, result out. The only place with exit_json and fail_json."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from .clock import SYSTEM_CLOCK
from .core.errors import PlatformError
from .core.redact import Redactor, secrets_in_kubeconfig
from .core.result import ItemResult, describe
from .core.retry import Waiting
from .kube.options import kubernetes_options

#: Options of every module that writes to Kubernetes, beside the authentication.
WRITE_OPTIONS: dict[str, dict[str, Any]] = {
    "force_conflicts": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 16},
}
#: Options of every module that waits, by the names of kubernetes.core.
WAIT_OPTIONS: dict[str, dict[str, Any]] = {
    "wait": {"type": "bool", "default": True},
    "wait_sleep": {"type": "int", "default": 5},
    "wait_timeout": {"type": "int", "default": 600},
}

#: How a module reaches ClearML (documentation fragment clearml_auth). Beside the options of kubernetes.core, whose
#: validate_certs and ca_cert are about the Kubernetes API.
CLEARML_OPTIONS: dict[str, dict[str, Any]] = {
    "api_url": {"type": "str", "required": True, "fallback": (env_fallback, ["CLEARML_API_HOST"])},
    "access_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CLEARML_API_ACCESS_KEY"])},
    "secret_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CLEARML_API_SECRET_KEY"])},
    "token": {"type": "str", "no_log": True},
    "ca_path": {"type": "path"},
    "api_validate_certs": {
        "type": "bool",
        "default": True,
        "fallback": (env_fallback, ["CLEARML_API_HOST_VERIFY_CERT"]),
    },
    "timeout": {"type": "int", "default": 30},
    "retries": {"type": "int", "default": 5},
}
#: How a module reaches Harbor (documentation fragment harbor_auth), beside the options of kubernetes.core as well.
HARBOR_OPTIONS: dict[str, dict[str, Any]] = {
    "api_url": {"type": "str", "required": True, "fallback": (env_fallback, ["HARBOR_URL"])},
    "api_user": {"type": "str", "default": "admin", "fallback": (env_fallback, ["HARBOR_USERNAME"])},
    "api_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["HARBOR_PASSWORD"])},
    "api_validate_certs": {"type": "bool", "default": True},
    **{name: CLEARML_OPTIONS[name] for name in ("ca_path", "timeout", "retries")},
}
#: The Secret that keeps a pair of a tenant. The last two are names of keys, not keys.
CLEARML_STORE_OPTIONS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "name": {"type": "str"},
    "access_key_key": {"type": "str", "default": "agentk8sglue_key", "no_log": False},
    "secret_key_key": {"type": "str", "default": "agentk8sglue_secret", "no_log": False},
}
#: How the company of a tenant is reached.
CLEARML_ACCESS_OPTIONS: dict[str, dict[str, Any]] = {
    "tenant": {"type": "str", "required": True},
    "admin_email": {"type": "str"},
    "store": {"type": "dict", "options": CLEARML_STORE_OPTIONS},
    "company": {"type": "str"},
}
#: What can be granted, of modules that compare it with quotas.
CAPACITY_OPTIONS: dict[str, dict[str, Any]] = {
    "accelerator_patterns": {"type": "list", "elements": "str"},
    "capacity_selector": {"type": "str", "default": ""},
    "reserve": {"type": "dict"},
    "overcommit_ratio": {"type": "float", "default": 1.0},
}
#: A login of a registry that becomes a Secret.
PULL_SECRET_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "registry": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
#: Which release of Helm.
RELEASE_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
}


@dataclass
class Report:
    """Everything that a module returns. values: further top-level keys. common: what was done once for all items."""

    items: list[ItemResult] = field(default_factory=list)
    common: Optional[ItemResult] = None
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Context:
    """What a module's own code gets: options, check mode, the connection, and a place for secrets to be forgotten."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params: dict[str, Any] = module.params
        self.check_mode: bool = module.check_mode
        self.clock = SYSTEM_CLOCK
        self.redactor = Redactor()
        self._module = module
        self._session: Any = None
        self._clearml: Any = None
        self._secrets_lock = threading.Lock()

    @property
    def session(self) -> Any:
        """The connection to the Kubernetes API of the module's authentication options, made at first use."""
        if self._session is None:
            from .kube import session as kube_session

            if kube_session.IMPORT_ERROR:
                self._module.fail_json(
                    msg=missing_required_lib("kubernetes and the collection kubernetes.core >= 6.3"),
                    exception=kube_session.IMPORT_ERROR,
                )
            self._session = kube_session.shared({name: self.params.get(name) for name in kubernetes_options()})
        return self._session

    @property
    def machine(self) -> Any:
        """The machine that the module runs on."""
        from .host.machine import Machine

        return Machine(self._module.run_command)

    @property
    def secrets(self) -> Any:
        """The Secrets of the Kubernetes API of the module's authentication options."""
        from .kube.secrets import Secrets

        return Secrets(self.session)

    @property
    def clearml(self) -> Any:
        """The connection to the ClearML API of the module's options, made at first use."""
        if self._clearml is None:
            from .clearml.session import Session

            self._need_urllib3()
            options = {name: self.params.get(name) for name in CLEARML_OPTIONS}
            self._clearml = Session(options, self.learn_secret)
        return self._clearml

    @property
    def harbor(self) -> Any:
        """The connection to the registry of the module's options."""
        from .registry.session import Session

        self._need_urllib3()
        return Session({name: self.params.get(name) for name in HARBOR_OPTIONS}, self.learn_secret)

    def _need_urllib3(self) -> None:
        from .web import IMPORT_ERROR

        if IMPORT_ERROR:
            self._module.fail_json(msg=missing_required_lib("urllib3"), exception=IMPORT_ERROR)

    @property
    def waiting(self) -> Optional[Waiting]:
        """How to wait, of a module with WAIT_OPTIONS; None when nothing is to be waited for (check mode too)."""
        if self.check_mode or not self.params["wait"]:
            return None
        return Waiting(self.clock, self.params["wait_timeout"], self.params["wait_sleep"])

    def learn_secret(self, secret: str) -> None:
        """Mask this value in everything that the module returns or logs from now on. Safe to use from threads."""
        with self._secrets_lock:
            self.redactor.learn(secret)
            self._module.no_log_values.add(secret)


def run_module(argument_spec: Mapping[str, Any], work: Callable[[Context], Report], **module_options: Any) -> None:
    """Run a module: parse options, call C(work), exit with its report or with its error.

    Never returns. module_options go to AnsibleModule; check mode is always supported.
    """
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **module_options)
    context = Context(module)
    _learn_kubeconfig(context)
    try:
        report = work(context)
    except PlatformError as error:
        module.fail_json(
            msg=context.redactor.text(str(error)), changed=False, error=context.redactor.data(describe(error))
        )
    else:
        _finish(module, context, report)


def _learn_kubeconfig(context: Context) -> None:
    """A kubeconfig given as data holds keys and tokens; none may come back in a result."""
    kubeconfig = context.params.get("kubeconfig")
    if isinstance(kubeconfig, Mapping):
        for secret in secrets_in_kubeconfig(kubeconfig):
            context.learn_secret(secret)


def _finish(module: AnsibleModule, context: Context, report: Report) -> None:
    for warning in dict.fromkeys(report.warnings):
        module.warn(context.redactor.text(warning))
    everything = [*([report.common] if report.common else []), *report.items]
    result: dict[str, Any] = {
        "changed": any(item.is_changed() for item in everything),
        "results": [item.as_dict() for item in report.items],
        **report.values,
    }
    if report.common:
        result["common"] = report.common.as_dict()
    if module._diff:
        result["diff"] = [step.diff() for item in everything for step in item.steps]
    result = context.redactor.data(result)
    failures = [item for item in report.items if item.error]
    if failures:
        module.fail_json(
            msg=context.redactor.text(_failure_text(failures, len(report.items), module.check_mode)), **result
        )
    module.exit_json(**result)


def _failure_text(failures: Sequence[ItemResult], total: int, check_mode: bool) -> str:
    if total == 1:
        return str(failures[0].error)
    lines = "\n".join(f"  - {item.item}: {item.error}" for item in failures)
    if check_mode:
        return f"{len(failures)} of {total} would fail; nothing was changed.\n{lines}"
    return f"{len(failures)} of {total} failed; the others are as wanted. Run again when the cause is gone.\n{lines}"
