#!/bin/sh
# Stops everything of RKE2 on this host and takes back what it left in the kernel.
[ "$(id -u)" -eq 0 ] || { echo "Failed: you need to be root to run this script" >&2; exit 1; }

systemctl stop rke2-server.service rke2-agent.service 2>/dev/null
for shim in $(pgrep -f 'containerd-shim.*-address /run/k3s/containerd/containerd.sock'); do
    # shellcheck disable=SC2046
    kill -9 $(pgrep -P "$shim") "$shim" 2>/dev/null
done
awk '$2 ~ "^/(run/k3s|var/lib/kubelet/pods|run/netns/cni-)" {print $2}' /proc/self/mounts | sort -r | while read -r mount; do
    umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null
done
rm -rf /run/k3s /var/lib/cni
ip netns list 2>/dev/null | awk '/^cni-/ {print $1}' | while read -r namespace; do ip netns delete "$namespace"; done
ip link delete cni0 2>/dev/null
ip route show proto static 2>/dev/null | awk '/ via / && $1 != "default" {print $1}' | while read -r route; do ip route delete "$route" proto static; done
iptables-save | grep -vE 'KUBE-|CNI-|LABNP-|LAB-NETPOL|cni0' | iptables-restore
exit 0
