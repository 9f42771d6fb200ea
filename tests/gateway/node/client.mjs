// The official OpenAI client for Node against a gateway: what it was told, as one line of JSON.
// Usage: node client.mjs BASE_URL KEY TASK
import OpenAI from "openai";

const [baseURL, apiKey, task] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 2, timeout: 20_000 });
const messages = [{ role: "user", content: "Hi" }];
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];

async function everything(iterable) {
  const found = [];
  for await (const one of iterable) found.push(one);
  return found;
}

async function failure(asked) {
  try {
    await asked();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code };
  }
  return null;
}

const tasks = {
  async chat() {
    const plain = await client.chat.completions.create({ model: "m", messages });
    const called = await client.chat.completions.create({ model: "calls", messages, tools });
    const answer = await client.responses.create({ model: "m", input: "Hi" });
    const carried = await client.responses.create({ model: "m", input: "And?", previous_response_id: answer.id });
    const embedded = await client.embeddings.create({ model: "m", input: ["a", "b"] });
    return {
      said: plain.choices[0].message.content,
      called: called.choices[0].message.tool_calls[0].function.arguments,
      carried: carried.output_text,
      embedded: embedded.data.length,
      models: (await everything(client.models.list())).map((one) => one.id),
    };
  },

  async stream() {
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    const parts = await everything(stream);
    const counted = await everything(
      await client.chat.completions.create({ model: "m", messages, stream: true, stream_options: { include_usage: true } }),
    );
    const events = await everything(await client.responses.create({ model: "m", input: "Hi", stream: true }));
    return {
      said: parts.map((part) => part.choices[0].delta.content ?? "").join(""),
      counted: counted.at(-1).usage.completion_tokens,
      first: events[0].type,
      last: events.at(-1).response.output[0].content[0].text,
    };
  },

  async cancel() {
    const stream = await client.chat.completions.create({ model: "endless", messages, stream: true });
    let parts = 0;
    for await (const part of stream) {
      parts += part.choices.length;
      if (parts === 5) stream.controller.abort();
    }
    return { parts };
  },

  async files() {
    const lines = [1, 2, 3].map((at) => JSON.stringify({
      custom_id: `${at}`, method: "POST", url: "/v1/chat/completions", body: { model: "m", messages },
    }));
    const file = await client.files.create({ file: new File([lines.join("\n")], "in.jsonl"), purpose: "batch" });
    const made = await client.batches.create({
      input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h",
    });
    const batch = await client.batches.retrieve(made.id);
    const told = await (await client.files.content(batch.output_file_id)).text();
    const listed = await everything(client.batches.list({ limit: 1 }));
    return { mine: batch.input_file_id === file.id, answers: told.trim().split("\n").length, listed: listed.length };
  },

  async errors() {
    const chat = (more) => () => client.chat.completions.create({ model: "m", messages, ...more });
    const stranger = new OpenAI({ baseURL, apiKey: "nobody" });
    return {
      feature: await failure(chat({ logprobs: true })),
      body: await failure(chat({ max_tokens: -1 })),
      theirs: await failure(chat({ model: "broken" })),
      stranger: await failure(() => stranger.models.list()),
      missing: await failure(() => client.files.retrieve("file-none")),
      path: await failure(() => client.images.generate({ prompt: "a" })),
      dies: await failure(async () => everything(await chat({ model: "dies", stream: true })())),
    };
  },
};

console.log(JSON.stringify(await tasks[task]()));
