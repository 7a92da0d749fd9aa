"""A queue on a network file system would be damaged: refused, or warned of where it depends."""

import logging
from pathlib import Path

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.host import filesystem
from promptqueue.storage import connect

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
24 22 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
30 22 0:40 / /srv/share rw,relatime shared:1 - nfs4 server:/export rw,vers=4.2
31 30 0:41 / /srv/share/local rw,relatime - xfs /dev/vdb rw
32 22 0:42 / /with\\040blank rw,relatime - cifs //server/share rw
33 22 0:43 / /covered rw,relatime - ext4 /dev/vdc rw
34 33 0:44 / /covered rw,relatime master:1 propagate_from:2 - virtiofs host rw
"""


@pytest.fixture
def mounts(tmp_path):
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    return file


@pytest.fixture
def mounted(monkeypatch, tmp_path):
    """Let the folder of the test be on a file system of this kind."""

    def mount(kind):
        file = tmp_path / "mountinfo"
        file.write_text(f"1 0 0:1 / / rw - {kind} somewhere rw\n")
        monkeypatch.setattr(filesystem.kind_of, "__defaults__", (file,))
        filesystem._warn.cache_clear()

    return mount


KINDS = {
    "refused": ["nfs", "nfs4", "cifs", "smb3"],
    "warned of": ["9p", "virtiofs", "fuse", "fuse.sshfs", "fuse.grpcfuse", "ceph"],
    "trusted": ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk", None],  # fuseblk: a local disk's NTFS
}


@pytest.mark.parametrize(("kind", "verdict"), [(kind, verdict) for verdict in KINDS for kind in KINDS[verdict]])
def test_what_a_file_system_is_trusted_with(kind, verdict):
    is_doubtful = kind is not None and filesystem.is_doubtful(kind)

    told = "refused" if kind in filesystem.NETWORK else "warned of" if is_doubtful else "trusted"

    assert told == verdict


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/srv", "ext4"),
        ("/srv/shares", "ext4"),
        ("/srv/share", "nfs4"),
        ("/srv/share/deep/deeper", "nfs4"),
        ("/srv/share/local/data", "xfs"),
        ("/with blank/data", "cifs"),
        ("/covered", "virtiofs"),
    ],
)
def test_the_nearest_and_last_mount_tells_the_kind(mounts, folder, kind):
    assert filesystem.kind_of(Path(folder), mounts) == kind


def test_a_link_is_followed_to_where_the_files_are(mounts, tmp_path):
    (tmp_path / "data").symlink_to("/srv/share")

    assert filesystem.kind_of(tmp_path / "data", mounts) == "nfs4"


def test_a_system_that_does_not_tell_is_trusted(tmp_path):
    assert filesystem.kind_of(tmp_path, tmp_path / "missing") is None


def test_the_kernels_own_list_is_understood(tmp_path):
    if not filesystem.MOUNTS.exists():
        pytest.skip("this system has no list of mounts")

    assert filesystem.kind_of(Path("/proc/self")) == "proc"
    assert filesystem.kind_of(tmp_path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs"])
def test_a_queue_on_a_network_is_refused_in_a_sentence_and_nothing_is_made_there(mounted, tmp_path, kind):
    mounted(kind)

    with pytest.raises(StorageUnavailable) as refused:
        connect(f"sqlite:///{tmp_path}/data/queue.db").open()

    assert str(refused.value) == (
        f"The queue's database cannot lie in {tmp_path}/data, which is on a network file system ({kind}): locks do not "
        "hold there and it would be damaged, so let DATABASE_URL name a folder on a local disk."
    )
    assert list((tmp_path / "data").iterdir()) == []


def test_a_doubtful_file_system_is_warned_of_once_and_used(mounted, tmp_path, caplog):
    mounted("virtiofs")

    with caplog.at_level(logging.WARNING, logger="promptqueue"):
        for _ in range(3):
            connect(f"sqlite:///{tmp_path}/queue.db").open().close()

    assert [record.getMessage() for record in caplog.records] == [
        f"database where locks may not hold, better move it to a local disk kind=virtiofs folder={tmp_path}"
    ]


# ---- whose a folder is ----------------------------------------------------------------------------------------------

VOLUMES = """\
93 76 254:0 / / rw - overlay overlay rw
94 93 254:0 /var/lib/docker/volumes/mine_queue/_data /data rw - ext4 /dev/vda rw
95 93 254:0 /var/lib/containers/storage/volumes/mine_queue/_data /podman rw - ext4 /dev/vda rw
96 93 254:0 /srv/queue /bound rw - ext4 /dev/vda rw
"""


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("/data", "docker run --rm -v mine_queue:/data python:3.13-slim chown -R 10001 /data"),
        ("/data/deeper", "docker run --rm -v mine_queue:/data python:3.13-slim chown -R 10001 /data/deeper"),
        ("/podman", "podman run --rm -v mine_queue:/podman python:3.13-slim chown -R 10001 /podman"),
        ("/bound", "chown -R 10001, outside the container and with the folder that /bound is there"),
    ],
)
def test_inside_a_container_the_command_that_gives_a_folder_is_one_for_outside(folder, command, tmp_path, monkeypatch):
    (tmp_path / "mountinfo").write_text(VOLUMES)
    monkeypatch.setattr(filesystem, "CONTAINER", (tmp_path,))

    assert filesystem.ownership_command(Path(folder), 10001, tmp_path / "mountinfo") == command


def test_elsewhere_it_is_one_for_here(tmp_path, monkeypatch):
    (tmp_path / "mountinfo").write_text(VOLUMES)
    monkeypatch.setattr(filesystem, "CONTAINER", (tmp_path / "none",))

    command = filesystem.ownership_command(Path("/bound"), 10001, tmp_path / "mountinfo")

    assert command == "chown -R 10001 /bound"
    assert filesystem.ownership_command(Path("/bound"), 10001, tmp_path / "none") == command
