// The smoke program in a Cloudflare Worker, on its own engine and on a server.
import * as core from "highway-wasm";
import * as engine from "highway-wasm/engine";
import { smoke, smokeRun } from "./smoke.mjs";

async function answer({ pathname }, { ENDPOINT }) {
  if (pathname === "/server") return smokeRun(core, { endpoint: ENDPOINT, apiKey: "worker" });
  return smoke(core, engine);
}

export default {
  async fetch(request, env) {
    try {
      return Response.json(await answer(new URL(request.url), env));
    } catch (error) {
      return new Response(error.stack, { status: 500 });
    }
  },
};
