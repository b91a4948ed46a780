<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.5 (Python 3.11.7 on linux)" generated="2026-11-21T19:48:19.976500" rpa="false" schemaversion="5">
<suite id="s1" name="Orders" source="/ci/shop/orders">
<suite id="s1-s1" name="Cart" source="/ci/shop/orders/cart.robot">
<test id="s1-s1-t1" name="Cart Accepts An Order" line="5">
<kw name="Should Be Equal As Integers" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.042235" level="INFO">Argument types are:
&lt;class 'int'&gt;
&lt;class 'str'&gt;</msg>
<arg>${1 + 1}</arg>
<arg>2</arg>
<doc>Fails if objects are unequal after converting them to integers.</doc>
<status status="PASS" start="2026-11-21T19:48:20.041391" elapsed="0.001005"/>
</kw>
<tag>positive</tag>
<status status="PASS" start="2026-11-21T19:48:20.040019" elapsed="0.002585"/>
</test>
<test id="s1-s1-t2" name="Cart Refuses An Empty Order" line="9">
<kw name="Run Keyword And Expect Error" owner="BuiltIn">
<kw name="Fail" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.045088" level="FAIL">empty</msg>
<arg>empty</arg>
<doc>Fails the test or task with the given message and optionally alters its tags.</doc>
<status status="FAIL" start="2026-11-21T19:48:20.044502" elapsed="0.000874">empty</status>
</kw>
<arg>*</arg>
<arg>Fail</arg>
<arg>empty</arg>
<doc>Runs the keyword and checks that the expected error occurred.</doc>
<status status="PASS" start="2026-11-21T19:48:20.043589" elapsed="0.002359"/>
</kw>
<tag>negative</tag>
<status status="PASS" start="2026-11-21T19:48:20.042938" elapsed="0.003223"/>
</test>
<test id="s1-s1-t3" name="Cart Is Not Ready" line="13">
<kw name="Skip" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.047476" level="SKIP">not ready</msg>
<arg>not ready</arg>
<doc>Stops the current test or task and sets its status to SKIP.</doc>
<status status="SKIP" start="2026-11-21T19:48:20.046930" elapsed="0.000685">not ready</status>
</kw>
<status status="SKIP" start="2026-11-21T19:48:20.046452" elapsed="0.001491">not ready</status>
</test>
<doc>The cart of a shop.</doc>
<status status="PASS" start="2026-11-21T19:48:20.038024" elapsed="0.010472"/>
</suite>
<suite id="s1-s2" name="Pay" source="/ci/shop/orders/pay.robot">
<test id="s1-s2-t1" name="Pays" line="5">
<kw name="Log" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.051959" level="INFO">paid</msg>
<arg>paid</arg>
<doc>Logs the given message with the given level.</doc>
<status status="PASS" start="2026-11-21T19:48:20.051351" elapsed="0.000717"/>
</kw>
<status status="PASS" start="2026-11-21T19:48:20.050722" elapsed="0.001527"/>
</test>
<kw name="Fail" owner="BuiltIn" type="TEARDOWN">
<msg time="2026-11-21T19:48:20.053367" level="FAIL">the till is open</msg>
<arg>the till is open</arg>
<doc>Fails the test or task with the given message and optionally alters its tags.</doc>
<status status="FAIL" start="2026-11-21T19:48:20.052777" elapsed="0.000732">the till is open</status>
</kw>
<status status="FAIL" start="2026-11-21T19:48:20.049157" elapsed="0.004464">Suite teardown failed:
the till is open</status>
</suite>
<status status="FAIL" start="2026-11-21T19:48:19.978116" elapsed="0.076303"/>
</suite>
<statistics>
<total>
<stat pass="2" fail="1" skip="1">All Tests</stat>
</total>
<tag>
<stat pass="1" fail="0" skip="0">negative</stat>
<stat pass="1" fail="0" skip="0">positive</stat>
</tag>
<suite>
<stat name="Orders" id="s1" pass="2" fail="1" skip="1">Orders</stat>
<stat name="Cart" id="s1-s1" pass="2" fail="0" skip="1">Orders.Cart</stat>
<stat name="Pay" id="s1-s2" pass="0" fail="1" skip="0">Orders.Pay</stat>
</suite>
</statistics>
<errors>
</errors>
</robot>
