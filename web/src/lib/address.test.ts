import { expect, test } from "vitest";
import { databaseName, relayAddress } from "./address.ts";

test("the address names the database", () => {
  expect(databaseName("/")).toBe("demo");
  expect(databaseName("/d/team-7")).toBe("team-7");
  expect(databaseName("/d/team-7/")).toBe("team-7");
  expect(databaseName("/d/Team")).toBeUndefined();
  expect(databaseName("/d/")).toBeUndefined();
  expect(databaseName(`/d/${"a".repeat(65)}`)).toBeUndefined();
  expect(databaseName("/elsewhere")).toBeUndefined();
});

test("the relay is where the page came from, over as safe a line", () => {
  expect(relayAddress({ protocol: "http:", host: "127.0.0.1:8787" })).toBe("ws://127.0.0.1:8787");
  expect(relayAddress({ protocol: "https:", host: "rooms.example" })).toBe("wss://rooms.example");
});
