# What the table of cases cannot ask for: signals end a call as Perl's own do, and spoil nothing.
use v5.26;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use MPT::Tokens;

my $server = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "cannot listen: $@";
my $client = MPT::Tokens->new(
    api_token => 'x', base_url => 'http://127.0.0.1:' . $server->sockport, timeout => 600, attempt_timeout => 600,
);
my $parent = $$;

# A child takes a request, says nothing, and sends a signal; the call must end long before it would by itself.
sub signalled {
    my ($signal, $call) = @_;
    my $child = fork // die "cannot fork: $!";
    if (!$child) {
        my $connection = $server->accept;
        sysread $connection, my $request, 1;
        kill $signal => $parent;
        sleep 600;
    }
    my $started = time;
    my $result  = eval { $call->(); 'nothing' } // $@;
    my $took    = time - $started;
    kill KILL => $child;
    waitpid $child, 0;
    die "$signal took $took s" if $took > 60;
    return $result;
}

local $SIG{ALRM} = sub { die "too late\n" };
my $died = signalled(ALRM => sub { $client->delete_token('TKN-1') });
die "a handler died, but this came out: $died" if $died ne "too late\n";

# The same in a batch, whose outcome is still to be had.
my $batch = $client->delete_tokens(['TKN-2']);
$died = signalled(ALRM => sub { $batch->next });
die "a handler died, but this came out: $died" if $died ne "too late\n";
my $outcome = $batch->next;
die 'the outcome is lost' if $outcome->code ne 'cancelled' || $outcome->outcome ne 'unknown' || $batch->next;

# A handler that returns ends nothing, and can make no call; one that cancels ends the call, with the true outcome.
my @met;
$SIG{USR1} = sub {
    @met = eval { $client->delete_token('TKN-3'); 1 } ? 'a call in a call' : $@;
    push @met, MPT::Tokens->new(api_token => 'x');    # which ends while the call goes on
    pop @met;
    kill USR2 => $$;
};
$SIG{USR2} = sub { $client->cancel };
my $error = signalled(USR1 => sub { $client->delete_token('TKN-4') });
die "the handler met: @met" if @met != 1 || $met[0] !~ /cannot begin a call/;
die "it was cancelled, but this came out: $error" if !ref $error || $error->code ne 'cancelled' || !$error->is_unknown;

# Afterwards signals come as ever.
eval { kill ALRM => $$; sleep 60 };
die 'the signals are held back' if $@ ne "too late\n";
