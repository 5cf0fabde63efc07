"""The hooks and volumes that the agent's tests stand on, by themselves: a database that is stopped,
unmounted, cloned by reflink and started on the clone, as the agent does it."""

import os

import loop_mounts
from loop_mounts import command, is_mounted
from postgres_addon import PostgresAddonTest


class HooksTest(PostgresAddonTest):

    def test_a_database_goes_down_and_comes_up_again(self):
        orders = self.provision("orders", 5541)
        orders.query("CREATE TABLE orders AS SELECT i AS id FROM generate_series(1, 1000) i")
        for hook in ("start", "mount"):  # what is there already is no failure
            orders.run_hook(hook)
        self.assertTrue(orders.is_up())
        orders.run_hook("stop")
        self.assertFalse(orders.is_up())
        orders.run_hook("unmount")
        self.assertFalse(is_mounted(orders.mountpoint))
        for hook in ("stop", "unmount"):
            orders.run_hook(hook)
        orders.run_hook("mount")
        orders.run_hook("start")
        self.assertEqual(orders.query("SELECT count(*) FROM orders"), "1000")

    def test_a_reflink_after_a_checkpoint_is_a_database(self):
        orders = self.provision("orders", 5542)
        orders.query("CREATE TABLE orders AS SELECT i AS id FROM generate_series(1, 1000) i")
        orders.run_hook("freeze")
        command("sync", "-f", orders.mountpoint)
        copy = self.addon("copy", 5543)
        command("cp", "--reflink=always", orders.volume, copy.volume)
        copy.run_hook("mount")
        copy.run_hook("start")
        orders.query("INSERT INTO orders VALUES (1001)")
        copy.run_hook("check")
        self.assertEqual(copy.query("SELECT count(*) FROM orders"), "1000")
        self.assertEqual(orders.query("SELECT count(*) FROM orders"), "1001")
        self.assert_nothing_is_left(orders, copy)

    def test_every_hook_of_the_configuration_is_there(self):
        hooks = self.hook_settings()
        self.assertEqual(len(hooks), 9)
        for argv in hooks.values():
            self.assertTrue(os.access(argv[1], os.X_OK))


if __name__ == "__main__":
    loop_mounts.require_postgres()
    loop_mounts.main()
