import { defineConfig } from "vitest/config";

const minute = 60_000;

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/summary-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "src/**/*.test.ts",
            "scripts/**/*.test.ts",
            "test/architecture.test.ts",
            "test/support/**/*.test.ts",
          ],
          setupFiles: ["./test/support/kernel-setup.ts"],
          testTimeout: minute,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Tests of dist/cdi-hook. They mount, unshare and run container runtimes: one file at a time.
        test: {
          name: "product",
          include: ["test/*/**/*.test.ts"],
          exclude: ["test/support/**"],
          setupFiles: ["./test/support/kernel-setup.ts"],
          testTimeout: 5 * minute,
          hookTimeout: 10 * minute,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
