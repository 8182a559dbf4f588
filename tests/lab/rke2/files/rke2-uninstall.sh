#!/bin/sh
# Removes RKE2 from this host, with all of its data.
[ "$(id -u)" -eq 0 ] || { echo "Failed: you need to be root to run this script" >&2; exit 1; }
root=${INSTALL_RKE2_ROOT:-/usr/local}
data=${RKE2_DATA_DIR:-/var/lib/rancher/rke2}
here=$(dirname "$0")

"$here/rke2-killall.sh"
systemctl disable rke2-server.service rke2-agent.service 2>/dev/null
if rpm -q rke2-common >/dev/null 2>&1; then
    zypper --non-interactive remove rke2-server rke2-agent rke2-common rke2-selinux 2>/dev/null || rpm -e rke2-server rke2-agent rke2-common 2>/dev/null
fi
rm -f "$root"/lib/systemd/system/rke2-*.service "$root"/lib/systemd/system/rke2-*.env /etc/systemd/system/rke2-*.service
rm -rf "$root/share/rke2" /etc/rancher/rke2 /etc/rancher/node /etc/cni /opt/cni/bin "$data"
rmdir /etc/rancher /var/lib/rancher 2>/dev/null
# It may be a file system of its own: empty it.
[ -d /var/lib/kubelet ] && find /var/lib/kubelet -xdev -mindepth 1 -delete
systemctl daemon-reload
systemctl reset-failed rke2-server.service rke2-agent.service 2>/dev/null
rm -f "$root/bin/rke2" "$root/bin/rke2-killall.sh" "$root/bin/rke2-uninstall.sh"
exit 0
