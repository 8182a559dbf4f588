#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
#
# Stand-in for a bootstrap script of SUSE Multi-Linux Manager, as its command mgr-bootstrap makes them: trusts the
# server's authority, installs the minion from the server's bootstrap repository, tells it its master and its
# activation key, and starts it. Run as root, without arguments.
set -e
HOSTNAME=mlm.lab.test
ACTIVATION_KEYS=${ACTIVATION_KEYS:-1-lab-sles}
ORG_CA_CERT=RHN-ORG-TRUSTED-SSL-CERT

echo "SUSE Manager Client bootstrap script"
curl -sSf -o "/etc/pki/trust/anchors/$ORG_CA_CERT.crt" "http://$HOSTNAME/pub/$ORG_CA_CERT"
update-ca-certificates >/dev/null
cat >/etc/zypp/repos.d/susemanager:bootstrap.repo <<REPO
[susemanager:bootstrap]
name=susemanager:bootstrap
type=rpm-md
baseurl=http://$HOSTNAME/repo/mlm-tools
gpgcheck=0
enabled=1
autorefresh=1
keeppackages=0
REPO
zypper --non-interactive --gpg-auto-import-keys refresh susemanager:bootstrap
zypper --non-interactive install venv-salt-minion
mkdir -p /etc/venv-salt-minion/minion.d
cat >/etc/venv-salt-minion/minion.d/susemanager.conf <<MINION
master: $HOSTNAME
server_id_use_crc: adler32
enable_legacy_startup_events: False
enable_fqdns_grains: False
activation_key: "$ACTIVATION_KEYS"
MINION
systemctl enable venv-salt-minion
systemctl restart venv-salt-minion
echo "-bootstrap complete-"
