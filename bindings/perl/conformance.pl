# The conformance runner: see tests/conformance/README.md.
use v5.26;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::Bin/lib";

use Data::Dumper ();
use Fcntl qw(F_GETFL F_SETFL F_SETOWN O_ASYNC);
use MPT::Tokens;
use Time::Piece ();

my $input = '';

# The next line of the standard input; bytes that are not read yet stay where select finds them.
sub line {
    while (1) {
        return $1 if $input =~ s/\A(.*)\n//;
        sysread(STDIN, $input, 65536, length $input) || return;
    }
}

sub decode { my $text = $_[0] =~ s/%(..)/chr hex $1/egr; utf8::decode($text); $text }
sub encode { my $text = $_[0] // ''; utf8::encode($text); $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/egr }

sub tell_outcome {
    my ($outcome, $raised, $shown) = @_;
    my $problem = $outcome->problem // {};
    my @fields  = (
        (map { $_ => $outcome->$_ } qw(id outcome code http_status rounds message retry_after trace_id)),
        settled_at_ms => Time::Piece->strptime(substr($outcome->at, 0, 19), '%Y-%m-%dT%H:%M:%S')->epoch . substr($outcome->at, 20, 3),
        retryable => $outcome->retryable ? 1 : 0,
        attempts => scalar @{ $outcome->attempts },
        title => $problem->{title}, detail => $problem->{detail}, raised => $raised, shown => Data::Dumper->new([$shown])->Indent(0)->Dump . $shown,
    );
    my @pairs;
    while (my ($name, $value) = splice @fields, 0, 2) { push @pairs, "$name=" . encode($value) }
    say join '&', @pairs;
}

sub failed {
    my ($error) = @_;
    die $error unless ref $error && $error->isa('MPT::Tokens::Error');
    tell_outcome($error->outcome, ref $error, $error);
}

sub options {
    my ($request) = @_;
    my %options = map { $_ => $request->{$_} } qw(api_token base_url ca_file proxy attempts missing_ok allow_own_token burn_only);
    for my $name (grep { defined $request->{"${_}_ms"} } qw(timeout attempt_timeout connect_timeout)) {
        $options{$name} = $request->{"${name}_ms"} / 1000;
    }
    $options{backoff} = [map { $request->{"backoff_${_}_ms"} / 1000 } qw(base cap)] if defined $request->{backoff_cap_ms};
    return %options;
}

sub answer {
    my ($request, @ids) = @_;
    my $client = MPT::Tokens->new(options($request));
    my $cancel = $request->{cancel} // '';
    $client->cancel if $cancel eq 'before';
    # The system signals that there is something to read.
    local $SIG{IO} = sub { $client->cancel if defined line() };
    async(1) if $cancel eq 'during';
    if ($request->{call} =~ /batch$/) {
        my $many = $request->{call} eq 'burn_batch' ? 'burn_tokens' : 'delete_tokens';
        my $patience = $request->{patience_ms};
        $patience /= 1000 if defined $patience;
        my $batch = $client->$many(\@ids, concurrency => $request->{concurrency}, patience => $patience);
        my $left  = $request->{stop_after};
        while (my $outcome = $batch->next) {
            tell_outcome($outcome, '', $client);
            last if defined $left && --$left == 0;
        }
        if (my $why = $batch->stopped) {
            say join '&', 'stopped=' . encode($why->{reason}), 'stopped_code=' . encode($why->{code}),
                'stopped_message=' . encode($why->{message}), "skipped=$why->{skipped}", "not_pulled=$why->{not_pulled}";
        }
    }
    else {
        for my $id (@ids) {
            my $call = $request->{call} eq 'burn' ? 'burn' : 'delete_token';
            eval { tell_outcome($client->$call($id), '', $client); 1 } or failed($@);
        }
    }
    async(0) if $cancel eq 'during';
}

sub async {
    my ($yes) = @_;
    my $flags = fcntl STDIN, F_GETFL, 0 or die "F_GETFL: $!";
    fcntl STDIN, F_SETOWN, $$ + 0 or die "F_SETOWN: $!";
    fcntl STDIN, F_SETFL, $yes ? $flags | O_ASYNC : $flags & ~O_ASYNC or die "F_SETFL: $!";
}

while (defined(my $line = line())) {
    my (%request, @ids);
    for (split /&/, $line) {
        my ($name, $value) = split /=/, $_, 2;
        $name eq 'id' ? push @ids, decode($value) : ($request{$name} = decode($value));
    }
    eval { answer(\%request, @ids); 1 } or failed($@);
    say '';
    STDOUT->flush;
}
