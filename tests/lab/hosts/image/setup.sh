#!/bin/sh
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
#
# Runs once, when the image is built: turns the Debian file system into one that looks like SLES.
set -eu

# One RPM database for rpm and zypper; Debian's rpm would use another.
rm -rf /root/.rpmdb
rpm --import /usr/share/lab/repository.asc
rpm -i /opt/rpms/*.rpm
rm -rf /opt/rpms
ln -sf SLES.prod /etc/products.d/baseproduct
mkdir -p /etc/chrony.d /etc/zypp/repos.d /etc/zypp/services.d /etc/sysconfig

rm -f /usr/bin/apt /usr/bin/apt-get /usr/bin/apt-cache /etc/debian_version /etc/apt/sources.list
# dpkg stays, without it nothing could tell what the image is made of; Ansible decides by zypper and os-release.

# SUSE keeps added certificate authorities in another place; the command is the same.
mkdir -p /etc/pki/trust/anchors /var/lib/ca-certificates
mv /usr/sbin/update-ca-certificates /usr/libexec/lab/
mv /usr/libexec/lab/update-ca-certificates-suse /usr/sbin/update-ca-certificates
ln -s /etc/ssl/certs/ca-certificates.crt /etc/ssl/ca-bundle.pem
ln -s /etc/ssl/certs/ca-certificates.crt /var/lib/ca-certificates/ca-bundle.pem

ln -sf /usr/libexec/lab/swap /sbin/swapon
ln -sf /usr/libexec/lab/swap /sbin/swapoff

# What one machine of its own would have of its own.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/iscsi/initiatorname.iscsi
: >/etc/machine-id
printf '# /etc/fstab\n' >/etc/fstab
mkdir -p /root/.ssh
chmod 700 /root/.ssh

rm -f /etc/systemd/system/chronyd.service # an alias of Debian's chrony.service
systemctl enable ssh.service
systemctl disable containerd.service firewalld.service open-iscsi.service iscsid.service multipath-tools.service keepalived.service haproxy.service nftables.service chrony.service || :
# udev, modules, consoles and kernel file systems are the machine's; NFS is not in its kernel; apt is not SLES.
systemctl mask chrony.service containerd.service systemd-udevd.service systemd-udev-trigger.service \
    systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-modules-load.service sys-kernel-debug.mount \
    sys-kernel-tracing.mount getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer \
    e2scrub_all.timer fstrim.timer nfs-blkmap.service run-rpc_pipefs.mount rpcbind.socket rpcbind.service \
    multipathd.socket
systemctl set-default multi-user.target
