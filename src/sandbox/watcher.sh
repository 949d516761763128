# Runs one sandbox for an owner that may die at any moment, by SIGKILL too: the owner holds the other end of standard
# input, so end of file means that it is gone (or done), and then the server is stopped and the folder removed.
# Arguments: the folder, the folder of the binaries, arguments of initdb.
# Commands, one a line: "start", or while something runs the name of a signal to send to it.
# Answers, one a line: "pid N", then "exited STATUS".
folder=$1
bin=$2
shift 2

# An owner that is gone reads no answers, and Ctrl-C is meant for the owner: neither may stop the clean-up.
trap '' PIPE HUP INT TERM
ulimit -c 0
exec 3<&0 </dev/null

run() {
	"$@" 3<&- >>"$folder/log" 2>&1 &
	running=$!
	echo "pid $running"
	# End of file stays, so the loop below sees it again after this reader has.
	(
		IFS= read -r signal <&3 || signal=QUIT
		kill -s "$signal" "$running"
	) >/dev/null 2>&1 &
	reader=$!
	wait "$running"
	status=$?
	kill -s KILL "$reader" 2>/dev/null
	wait "$reader" 2>/dev/null
	echo "exited $status"
}

run "$bin/initdb" -D "$folder/data" "$@"
while IFS= read -r command <&3; do
	[ "$command" != start ] || run "$bin/postgres" -D "$folder/data"
done

# A process that outlives its parent by a moment (initdb's bootstrap server) may still be writing.
for try in 1 2 3 4 5; do
	rm -rf -- "$folder" && break
	sleep 1
done
