#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: the collection builds, installs into an empty place, and documents its plugins from there
set -euo pipefail
ansible-galaxy collection build --output-path "$WORK/build"
tarball=("$WORK"/build/*.tar.gz)

# build_ignore is a list by hand: nothing that git ignores may get into the tarball
tar -tzf "${tarball[0]}" | grep -v -e '/$' -e '^MANIFEST.json$' -e '^FILES.json$' | sort >"$WORK/packed"
git ls-files --cached --others --exclude-standard | sort >"$WORK/known"
if ! comm -23 "$WORK/packed" "$WORK/known" | (! grep .); then
    echo "the files above are in the tarball, but git does not know them: see build_ignore in galaxy.yml"
    exit 1
fi

# away from the clone, so that its ansible.cfg does not help
mkdir -p "$WORK/empty/ansible_collections"
cd "$WORK/empty"
for dependency in kubernetes ansible community; do
    ln -s "$COLLECTIONS/$dependency" "ansible_collections/$dependency"
done
export ANSIBLE_COLLECTIONS_PATH=$WORK/empty
ansible-galaxy collection install --offline -p "$WORK/empty" "${tarball[0]}"
mapfile -t modules < <(ansible-doc --type module --list "$NAMESPACE.$NAME" | awk '{print $1}')
mapfile -t sources < <(find "$ROOT/plugins/modules" -name '[a-z]*.py')
if [ ${#modules[@]} -ne ${#sources[@]} ]; then
    echo "${#sources[@]} modules in plugins/modules, ${#modules[@]} in the installed collection: ${modules[*]}"
    exit 1
fi
if [ ${#modules[@]} -gt 0 ]; then
    ansible-doc --type module "${modules[@]}" >/dev/null
    printf 'documented: %s\n' "${modules[@]}"
fi
