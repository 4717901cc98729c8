//! A Kafka broker: that of the jars in the folder in `KAFKA_LIB`, run by the `java` in `PATH`.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    producer::FutureProducer,
};
use tempfile::TempDir;

use crate::route::Route;

const TOPIC: &str = "callbacks";
const GROUP: &str = "engine";
const PARTITIONS: i32 = 3;

/// A Java program on two cores that others use too.
const STARTED_WITHIN: Duration = Duration::from_mins(2);

/// A broker of its own for one test.
pub(crate) struct KafkaBroker {
    jars: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl KafkaBroker {
    /// `None`, and a line that says so, where there are no jars.
    pub(crate) async fn start() -> Option<Self> {
        let Some(jars) = std::env::var_os("KAFKA_LIB").map(PathBuf::from) else {
            eprintln!("NOT TESTED OVER KAFKA: KAFKA_LIB does not name a folder with the jars of Kafka");
            return None;
        };
        let (folder, port, controller) = (TempDir::new().unwrap(), free_port(), free_port());
        let data = folder.path().join("data");
        let properties = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
",
            data.display()
        );
        fs::write(folder.path().join("server.properties"), properties).unwrap();
        let format =
            ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", "server.properties"];
        let formatted = java(&jars, &folder, &format).status().unwrap();
        assert!(formatted.success(), "Kafka cannot make its folder");
        let child = java(&jars, &folder, &["kafka.Kafka", "server.properties"]).spawn().unwrap();
        let broker = Self { jars, folder, port, child };
        broker.until_it_answers();
        let admin: AdminClient<DefaultClientContext> = broker.client().create().unwrap();
        let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1));
        for made in admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
            made.unwrap();
        }
        Some(broker)
    }

    /// The properties of an engine that gets its events from the topic.
    pub(crate) fn properties(&self) -> String {
        let prefix = "mp.messaging.incoming.kogito_incoming_stream";
        format!(
            "kafka.bootstrap.servers=127.0.0.1:{}
{prefix}.connector=smallrye-kafka
{prefix}.topic={TOPIC}
{prefix}.group.id={GROUP}
{prefix}.auto.offset.reset=earliest
{prefix}.session.timeout.ms=6000
",
            self.port
        )
    }

    pub(crate) fn route(&self) -> Route {
        let mut config = self.client();
        config.set("message.timeout.ms", "5000").set("reconnect.backoff.max.ms", "500");
        Route::Kafka(config.create::<FutureProducer>().unwrap(), TOPIC)
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        self.child = java(&self.jars, &self.folder, &["kafka.Kafka", "server.properties"]).spawn().unwrap();
        self.until_it_answers();
    }

    /// How many messages the engine has not committed.
    pub(crate) fn left(&self) -> usize {
        let consumer: BaseConsumer = self.client().set("group.id", GROUP).create().unwrap();
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(TOPIC, 0, PARTITIONS - 1);
        let patience = Duration::from_secs(10);
        let Ok(committed) = consumer.committed_offsets(asked, patience) else { return usize::MAX };
        let partitions = committed.elements();
        let left = partitions.iter().map(|partition| {
            let committed = match partition.offset() {
                Offset::Offset(offset) => offset,
                _ => 0,
            };
            let (_, end) = consumer.fetch_watermarks(TOPIC, partition.partition(), patience).unwrap();
            usize::try_from(end - committed).unwrap()
        });
        left.sum()
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", format!("127.0.0.1:{}", self.port));
        config
    }

    fn until_it_answers(&self) {
        let begin = Instant::now();
        let consumer: BaseConsumer = self.client().create().unwrap();
        while consumer.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(begin.elapsed() < STARTED_WITHIN, "the Kafka broker does not answer");
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn stop(&mut self) {
        // It ends at once, as in a crash.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A Java program of Kafka.
fn java(jars: &Path, folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new("java");
    command.args(["-Xmx384m", "-cp", &format!("{}/*", jars.display())]).args(arguments);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
