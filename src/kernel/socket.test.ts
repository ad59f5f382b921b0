import { expect, test } from "vitest";
import { ENOENT } from "./errno.ts";
import { sendDatagram } from "./socket.ts";

test("a socket that is not there, by path and by abstract name", () => {
  expect(sendDatagram("/nonexistent/notify", "READY=1")).toBe(-ENOENT);
  expect(sendDatagram("@cdi-hook-nobody", "READY=1")).toBe(-111); // ECONNREFUSED
});
