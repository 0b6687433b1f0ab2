# The conformance runner: see tests/conformance/README.md.
require "uri"
require_relative "lib/mpt_tokens"

TIMES = %w[timeout attempt_timeout connect_timeout].to_h { |name| ["#{name}_ms", name.to_sym] }.freeze
FLAGS = %w[missing_ok allow_own_token burn_only].to_h { |name| [name, name.to_sym] }.freeze

def tell(outcome, raised, shown)
  fields = outcome.to_h.slice(:id, :outcome, :code, :http_status, :rounds, :message, :retry_after, :trace_id).merge(
    settled_at_ms: (outcome.settled_at.to_r * 1000).to_i, retryable: outcome.retryable ? 1 : 0, attempts: outcome.attempts.size, title: outcome.problem&.fetch("title", nil),
    detail: outcome.problem&.fetch("detail", nil), raised: raised, shown: shown.inspect + shown.to_s
  )
  puts URI.encode_www_form(fields.transform_values(&:to_s))
end

def answer(pairs)
  request = pairs.to_h
  ids = pairs.filter_map { |name, value| value if name == "id" }
  options = request.slice("api_token", "base_url", "ca_file", "proxy").transform_keys(&:to_sym)
  options[:attempts] = request["attempts"].to_i if request["attempts"]
  TIMES.each { |name, key| options[key] = request[name].to_f / 1000 if request[name] }
  FLAGS.each { |name, key| options[key] = request[name] == "1" if request[name] }
  options[:backoff] = request.values_at("backoff_base_ms", "backoff_cap_ms").map { |ms| ms.to_f / 1000 } if request["backoff_base_ms"]

  MptTokens::Client.open(**options) do |client|
    client.cancel if request["cancel"] == "before"
    Thread.new { $stdin.gets && client.cancel } if request["cancel"] == "during"
    if %w[batch burn_batch].include?(request["call"])
      batch(client, ids, request)
    else
      ids.each { |id| single(client, request["call"] == "burn" ? :burn : :delete_token, id) }
    end
  end
rescue MptTokens::Error => error
  tell(error.outcome, error.class.name, error)
end

def single(client, call, id)
  tell(client.public_send(call, id), "", client)
rescue MptTokens::Error => error
  tell(error.outcome, error.class.name, error)
end

def batch(client, ids, request)
  stop_after = request["stop_after"]&.to_i
  patience = request["patience_ms"] && request["patience_ms"].to_i / 1000.0
  told = ->(it) { puts URI.encode_www_form(stopped: it.reason, stopped_code: it.code, stopped_message: it.message, skipped: it.skipped, not_pulled: it.not_pulled) }
  options = { concurrency: request["concurrency"]&.to_i, patience: patience, on_stop: told }.compact
  many = request["call"] == "burn_batch" ? :burn_tokens : :delete_tokens
  client.public_send(many, ids, **options).with_index(1) do |outcome, count|
    tell(outcome, "", client)
    break if count == stop_after
  end
end

$stdout.sync = false
while (line = $stdin.gets)
  # URI.decode_www_form would mend bytes that are not UTF-8.
  answer(line.chomp.split("&").map { |pair| pair.split("=", 2).map { |part| URI.decode_www_form_component(part) } })
  puts
  $stdout.flush
end
