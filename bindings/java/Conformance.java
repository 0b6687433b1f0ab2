// The conformance runner: see tests/conformance/README.md.
import com.softwareone.mpttokens.Batch;
import com.softwareone.mpttokens.Client;
import com.softwareone.mpttokens.Outcome;
import com.softwareone.mpttokens.TokenException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static java.nio.charset.StandardCharsets.UTF_8;

final class Conformance {
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    private static final StringBuilder OUTPUT = new StringBuilder();

    public static void main(String[] arguments) throws Exception {
        for (String line; (line = INPUT.readLine()) != null; ) {
            Map<String, String> request = new HashMap<>();
            List<String> ids = new ArrayList<>();
            for (String pair : line.split("&")) {
                String[] parts = pair.split("=", 2);
                String value = URLDecoder.decode(parts[1], UTF_8);
                if (parts[0].equals("id")) {
                    ids.add(value);
                } else {
                    request.put(parts[0], value);
                }
            }
            answer(request, ids);
            System.out.print(OUTPUT);
            OUTPUT.setLength(0);
            System.gc(); // so that what is resident is what is held
            System.out.println();
            System.out.flush();
        }
    }

    private static void answer(Map<String, String> request, List<String> ids) throws InterruptedException {
        try (Client client = client(request)) {
            Thread watcher = cancel(request.getOrDefault("cancel", ""), Thread.currentThread());
            if (request.get("call").endsWith("batch")) {
                batch(client, request, ids);
            } else {
                boolean burn = request.get("call").equals("burn");
                for (String id : ids) {
                    if (burn) {
                        single(client, client::burn, id);
                    } else {
                        single(client, client::deleteToken, id);
                    }
                }
            }
            boolean interrupted = Thread.interrupted();
            if (watcher != null) {
                watcher.join();
            }
            if (interrupted != request.containsKey("cancel")) {
                throw new IllegalStateException("an interrupt must stay one");
            }
        } catch (TokenException failure) {
            tell(failure.outcome(), failure.getClass().getName(), failure);
        }
    }

    /** Interrupts the thread that makes the calls, now or when a line comes. */
    private static Thread cancel(String when, Thread caller) {
        if (when.equals("before")) {
            caller.interrupt();
        }
        if (!when.equals("during")) {
            return null;
        }
        Thread watcher = new Thread(() -> {
            try {
                INPUT.readLine();
                caller.interrupt();
            } catch (IOException failure) {
                throw new java.io.UncheckedIOException(failure);
            }
        });
        watcher.start();
        return watcher;
    }

    private static void single(Client client, java.util.function.Function<String, com.softwareone.mpttokens.Outcome> call, String id) {
        try {
            tell(call.apply(id), "", client);
        } catch (TokenException failure) {
            tell(failure.outcome(), failure.getClass().getName(), failure);
        }
    }

    private static void batch(Client client, Map<String, String> request, List<String> ids) {
        int concurrency = Integer.parseInt(request.getOrDefault("concurrency", "8"));
        Duration patience = request.containsKey("patience_ms") ? milliseconds(request.get("patience_ms")) : null;
        int left = Integer.parseInt(request.getOrDefault("stop_after", "-1"));
        boolean burn = request.get("call").equals("burn_batch");
        try (Batch batch = burn
                ? client.burnTokens(ids, concurrency, null, patience)
                : client.deleteTokens(ids, concurrency, null, patience)) {
            for (Outcome outcome : batch) {
                tell(outcome, "", client);
                if (--left == 0) {
                    break;
                }
            }
            batch.stopped().ifPresent(why -> {
                field("stopped", why.reason());
                field("stopped_code", why.code());
                field("stopped_message", why.message());
                field("skipped", why.skipped());
                field("not_pulled", why.notPulled());
                OUTPUT.setCharAt(OUTPUT.length() - 1, '\n');
            });
        }
    }

    private static Client client(Map<String, String> request) {
        Client.Builder builder = Client.builder();
        request.forEach((name, value) -> {
            switch (name) {
                case "api_token" -> builder.apiToken(value);
                case "base_url" -> builder.baseUrl(value);
                case "ca_file" -> builder.caFile(value);
                case "proxy" -> builder.proxy(value);
                case "attempts" -> builder.attempts(Integer.parseInt(value));
                case "timeout_ms" -> builder.timeout(milliseconds(value));
                case "attempt_timeout_ms" -> builder.attemptTimeout(milliseconds(value));
                case "connect_timeout_ms" -> builder.connectTimeout(milliseconds(value));
                case "backoff_cap_ms" -> builder.backoff(milliseconds(request.get("backoff_base_ms")), milliseconds(value));
                case "burn_only" -> builder.burnOnly(value.equals("1"));
                case "missing_ok" -> builder.missingOk(value.equals("1"));
                case "allow_own_token" -> builder.allowOwnToken(value.equals("1"));
                default -> { }
            }
        });
        return builder.build();
    }

    private static Duration milliseconds(String value) {
        return Duration.ofMillis(Long.parseLong(value));
    }

    private static void tell(Outcome outcome, String raised, Object shown) {
        field("id", outcome.id());
        field("outcome", outcome.kind());
        field("code", outcome.code());
        field("http_status", outcome.httpStatus());
        field("attempts", outcome.attempts());
        field("rounds", outcome.rounds());
        field("settled_at_ms", outcome.settledAt().toEpochMilli());
        field("title", outcome.title());
        field("detail", outcome.detail());
        field("message", outcome.message());
        field("retryable", outcome.retryable() ? 1 : 0);
        field("retry_after", outcome.retryAfter() == null ? null : outcome.retryAfter().toMillis() / 1000.0);
        field("trace_id", outcome.traceId());
        field("raised", raised);
        field("shown", shown + " " + outcome);
        OUTPUT.setCharAt(OUTPUT.length() - 1, '\n');
    }

    private static void field(String name, Object value) {
        OUTPUT.append(name).append('=').append(value == null ? "" : URLEncoder.encode(value.toString(), UTF_8)).append('&');
    }
}
