import type { Admin, Consumer, Kafka, Producer } from "kafkajs";
import { expectTypeOf, test } from "vitest";
import type {
  KafkaAdmin,
  KafkaClient,
  KafkaConsumer,
  KafkaProducer,
} from "../../src/kafka/client.js";

test("what kafkajs makes fits", () => {
  expectTypeOf<Producer>().toExtend<KafkaProducer>();
  expectTypeOf<Consumer>().toExtend<KafkaConsumer>();
  expectTypeOf<Admin>().toExtend<KafkaAdmin>();
  expectTypeOf<Kafka>().toExtend<KafkaClient>();
});
