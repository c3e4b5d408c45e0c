# Works for two to five seconds, then dies: every other time of a signal, else with a status of 3.
number=$(od -An -N1 -tu1 /dev/urandom)
seconds=$((2 + number % 4))
echo "working for $seconds seconds"
sleep $seconds
if [ $((number / 4 % 2)) -eq 0 ]; then
	echo "something is badly wrong"
	ulimit -c 0
	kill -SEGV $$
fi
echo "giving up"
exit 3
