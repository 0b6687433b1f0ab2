// What the table of cases cannot ask for: other threads end a call, and texts that are not Unicode name nothing.
import com.softwareone.mpttokens.Batch;
import com.softwareone.mpttokens.Client;
import com.softwareone.mpttokens.Outcome;
import com.softwareone.mpttokens.TokenException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

final class ThreadTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    /** Held, since a connection that is forgotten may be closed. */
    private static final List<Socket> TAKEN = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        // It takes requests, and never says a word.
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
            String url = "http://127.0.0.1:" + server.getLocalPort();
            Client.Builder builder = Client.builder().apiToken("x").baseUrl(url).timeout(LONG).attemptTimeout(LONG);

            try (Client client = builder.build()) {
                expect(failure(() -> client.deleteToken("TKN-\ud800")).code(), "invalid_token_id");

                Batch batch = client.deleteTokens(List.of("TKN-1", "TKN-2"), 1);
                CompletableFuture<Outcome> told = CompletableFuture.supplyAsync(batch::next);
                take(server);
                batch.close();
                expect(told.get().kind(), "unknown");
                expect(told.get().code(), "cancelled");
                expect(batch.hasNext(), false);
                batch.close();

                CompletableFuture<Outcome> ended = CompletableFuture.supplyAsync(() -> failure(() -> client.deleteToken("TKN-3")));
                take(server);
                client.close();
                expect(ended.get().kind(), "unknown");
                expect(ended.get().code(), "cancelled");
            }

            Client closed = builder.build();
            closed.close();
            try {
                closed.deleteToken("TKN-4");
                throw new AssertionError("a closed client must throw");
            } catch (IllegalStateException expected) {
                // As it should.
            }

            Client cancelled = builder.build();
            cancelled.cancel();
            expect(failure(() -> cancelled.deleteToken("TKN-5")).kind(), "not_deleted");
            cancelled.close();
        }
    }

    private static void take(ServerSocket server) throws IOException {
        TAKEN.add(server.accept());
        TAKEN.get(TAKEN.size() - 1).getInputStream().read();
    }

    private static Outcome failure(Runnable call) {
        try {
            call.run();
        } catch (TokenException failure) {
            return failure.outcome();
        }
        throw new AssertionError("a call that cannot succeed must throw");
    }

    private static void expect(Object told, Object expected) {
        if (!told.equals(expected)) {
            throw new AssertionError("told " + told + ", expected " + expected);
        }
    }
}
