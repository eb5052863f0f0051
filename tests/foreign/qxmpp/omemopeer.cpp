// A client of omemo:2 out of QXmpp: it does what lines on stdin say, and writes lines on stdout.
//
// omemopeer JID HOST PORT CAFILE STATEFILE, the password in PASSWORD. Lines are JSON objects.

#include <Omemo/QXmppOmemoManager.h>
#include <Omemo/QXmppOmemoMemoryStorage.h>
#include <QCoreApplication>
#include <QDataStream>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSocketNotifier>
#include <QSslCertificate>
#include <QTimer>
#include <QXmppAtmManager.h>
#include <QXmppAtmTrustMemoryStorage.h>
#include <QXmppClient.h>
#include <QXmppConfiguration.h>
#include <QXmppE2eeMetadata.h>
#include <QXmppLogger.h>
#include <QXmppMessage.h>
#include <QXmppMucManager.h>
#include <QXmppPubSubManager.h>
#include <QXmppSendStanzaParams.h>
#include <QXmppTask.h>
#include <QXmppTrustMessageElement.h>
#include <iostream>
#include <string>

static const QString NS = QStringLiteral("urn:xmpp:omemo:2");
using Storage = QXmppOmemoStorage;

static void tell(QJsonObject record)
{
    std::cout << QJsonDocument(record).toJson(QJsonDocument::Compact).toStdString() << std::endl;
}

QDataStream &operator<<(QDataStream &out, const Storage::OwnDevice &each)
{
    return out << each.id << each.label << each.privateIdentityKey << each.publicIdentityKey
               << each.latestSignedPreKeyId << each.latestPreKeyId;
}

QDataStream &operator>>(QDataStream &in, Storage::OwnDevice &each)
{
    return in >> each.id >> each.label >> each.privateIdentityKey >> each.publicIdentityKey
        >> each.latestSignedPreKeyId >> each.latestPreKeyId;
}

QDataStream &operator<<(QDataStream &out, const Storage::SignedPreKeyPair &each)
{
    return out << each.creationDate << each.data;
}

QDataStream &operator>>(QDataStream &in, Storage::SignedPreKeyPair &each)
{
    return in >> each.creationDate >> each.data;
}

QDataStream &operator<<(QDataStream &out, const Storage::Device &each)
{
    return out << each.label << each.keyId << each.session << each.unrespondedSentStanzasCount
               << each.unrespondedReceivedStanzasCount << each.removalFromDeviceListDate;
}

QDataStream &operator>>(QDataStream &in, Storage::Device &each)
{
    return in >> each.label >> each.keyId >> each.session >> each.unrespondedSentStanzasCount
        >> each.unrespondedReceivedStanzasCount >> each.removalFromDeviceListDate;
}

class Peer : public QObject
{
public:
    Peer(const QStringList &arguments)
        : client(QXmppClient::NoExtensions), stateFile(arguments[5])
    {
        client.logger()->setLoggingType(QXmppLogger::SignalLogging);
        connect(client.logger(), &QXmppLogger::message, this, &Peer::logged);
        client.addNewExtension<QXmppPubSubManager>();
        trust = client.addNewExtension<QXmppAtmManager>(&trustStorage);
        omemo = client.addNewExtension<QXmppOmemoManager>(&storage);
        mucs = client.addNewExtension<QXmppMucManager>();
        client.setEncryptionExtension(omemo);
        omemo->setSecurityPolicy(QXmpp::Toakafa);
        omemo->setAcceptedSessionBuildingTrustLevels(QXmpp::TrustLevel::AutomaticallyTrusted |
                                                     QXmpp::TrustLevel::ManuallyTrusted |
                                                     QXmpp::TrustLevel::Authenticated);
        connect(&client, &QXmppClient::connected, this, &Peer::begin);
        connect(&client, &QXmppClient::disconnected, qApp, &QCoreApplication::quit);
        connect(&client, &QXmppClient::messageReceived, this, &Peer::received);
        connect(trust, &QXmppTrustManager::trustLevelsChanged, this,
                [] { tell({ { "event", "trust" } }); });
        connect(omemo, &QXmppOmemoManager::deviceAdded, this, [](const QString &jid, uint32_t id) {
            tell({ { "event", "device" }, { "jid", jid }, { "device", qint64(id) } });
        });

        QXmppConfiguration configuration;
        configuration.setJid(arguments[1] + u'/' + qEnvironmentVariable("RESOURCE", QStringLiteral("qxmpp")));
        configuration.setPassword(qEnvironmentVariable("PASSWORD"));
        configuration.setHost(arguments[2]);
        configuration.setPort(arguments[3].toInt());
        configuration.setCaCertificates(QSslCertificate::fromPath(arguments[4]));
        configuration.setStreamSecurityMode(QXmppConfiguration::TLSRequired);
        configuration.setAutoReconnectionEnabled(false);
        client.connectToServer(configuration);
    }

private:
    void logged(QXmppLogger::MessageType type, const QString &text)
    {
        if (type == QXmppLogger::WarningMessage) {
            tell({ { "event", "warning" }, { "text", text } });
        } else if (qEnvironmentVariableIsSet("TRACE") &&
                   (type == QXmppLogger::SentMessage || type == QXmppLogger::ReceivedMessage)) {
            tell({ { "event", type == QXmppLogger::SentMessage ? "out" : "in" }, { "xml", text } });
        }
    }

    void begin()
    {
        QFile file(stateFile);
        if (file.open(QIODevice::ReadOnly)) {
            restore(file);
            omemo->load().then(this, [this](bool done) { ready(done); });
        } else {
            omemo->setUp().then(this, [this](bool done) { ready(done); });
        }
    }

    void ready(bool done)
    {
        const auto key = omemo->ownDevice().keyId().toHex();
        tell({ { "event", "ready" }, { "done", done }, { "fingerprint", QString::fromLatin1(key) } });
        notifier = new QSocketNotifier(0, QSocketNotifier::Read, this);
        connect(notifier, &QSocketNotifier::activated, this, [this] {
            std::string line;
            if (!std::getline(std::cin, line)) {
                notifier->setEnabled(false);
                end();
            } else {
                obey(QJsonDocument::fromJson(QByteArray::fromStdString(line)).object());
            }
        });
    }

    void received(const QXmppMessage &message)
    {
        const auto metadata = message.e2eeMetadata();
        if (message.body().isEmpty() && message.e2eeFallbackBody().isEmpty() && !message.trustMessageElement()) {
            return;
        }
        QJsonObject record { { "event", "message" },
                             { "from", message.from() },
                             { "body", message.body() },
                             { "subject", message.subject() },
                             { "thread", message.thread() },
                             { "decrypted", metadata.has_value() } };
        if (message.reply()) {
            record["reply"] = message.reply()->id;
        }
        if (metadata) {
            record["time"] = metadata->sceTimestamp().toString(Qt::ISODate);
            record["key"] = QString::fromLatin1(metadata->senderKey().toHex());
        }
        tell(record);
    }

    void obey(const QJsonObject &line)
    {
        const auto what = line["do"].toString();
        const auto jid = line["jid"].toString();
        auto done = [what] { tell({ { "event", "done" }, { "did", what } }); };
        if (what == u"look") {
            omemo->requestDeviceLists({ jid }).then(this, [done](auto) { done(); });
        } else if (what == u"build") {
            omemo->buildMissingSessions({ jid }).then(this, [done] { done(); });
        } else if (what == u"send") {
            QXmppMessage message({}, jid, line["body"].toString(), line["thread"].toString());
            message.setSubject(line["subject"].toString());
            message.setReceiptRequested(line["receipt"].toBool());
            if (line.contains("reply")) {
                message.setReply(QXmpp::Reply { jid, line["reply"].toString() });
            }
            QXmppSendStanzaParams parameters;
            if (line.contains("for")) {
                message.setType(QXmppMessage::GroupChat);
                parameters.setEncryptionJids({ line["for"].toString() });
            }
            client.sendSensitive(std::move(message), parameters)
                .then(this, [what](QXmpp::SendResult result) {
                    const auto *error = std::get_if<QXmppError>(&result);
                    tell({ { "event", "done" }, { "did", what },
                           { "error", error ? error->description : QString() } });
                });
        } else if (what == u"join") {
            auto *room = mucs->addRoom(jid);
            room->setNickName("qxmpp");
            connect(room, &QXmppMucRoom::joined, this, done);
            room->join();
        } else if (what == u"authenticate") {
            // tells other devices by trust messages (XEP-0450)
            const auto key = QByteArray::fromHex(line["key"].toString().toLatin1());
            trust->makeTrustDecisions(NS, jid, { key }).then(this, [done] { done(); });
        } else if (what == u"label") {
            omemo->changeDeviceLabel(line["label"].toString()).then(this, [done](bool) { done(); });
        } else if (what == u"reset") {
            omemo->resetOwnDevice().then(this, [done](bool) { done(); });
        } else {
            tell({ { "event", "warning" }, { "text", "no such thing to do" } });
        }
    }

    void end()
    {
        storage.allData().then(this, [this](Storage::OmemoData data) {
            QFile file(stateFile);
            if (data.ownDevice && file.open(QIODevice::WriteOnly)) {
                QDataStream out(&file);
                out << *data.ownDevice << data.signedPreKeyPairs << data.preKeyPairs << data.devices;
            }
            QTimer::singleShot(0, &client, &QXmppClient::disconnectFromServer);
        });
    }

    void restore(QFile &file)
    {
        QDataStream in(&file);
        Storage::OwnDevice own;
        Storage::OmemoData data;
        in >> own >> data.signedPreKeyPairs >> data.preKeyPairs >> data.devices;
        storage.setOwnDevice(own);
        for (auto each = data.signedPreKeyPairs.cbegin(); each != data.signedPreKeyPairs.cend(); ++each) {
            storage.addSignedPreKeyPair(each.key(), each.value());
        }
        storage.addPreKeyPairs(data.preKeyPairs);
        trust->setOwnKey(NS, own.publicIdentityKey);
        for (auto person = data.devices.cbegin(); person != data.devices.cend(); ++person) {
            for (auto each = person->cbegin(); each != person->cend(); ++each) {
                storage.addDevice(person.key(), each.key(), each.value());
                trust->addKeys(NS, person.key(), { each->keyId },
                               QXmpp::TrustLevel::AutomaticallyTrusted);
            }
        }
    }

    QXmppClient client;
    QXmppOmemoMemoryStorage storage;
    QXmppAtmTrustMemoryStorage trustStorage;
    QXmppAtmManager *trust;
    QXmppOmemoManager *omemo;
    QXmppMucManager *mucs;
    QSocketNotifier *notifier = nullptr;
    QString stateFile;
};

int main(int count, char *values[])
{
    QCoreApplication application(count, values);
    if (application.arguments().size() != 6) {
        std::cerr << "omemopeer JID HOST PORT CAFILE STATEFILE\n";
        return 2;
    }
    Peer peer(application.arguments());
    return application.exec();
}
